import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { parseRecord } from '#kit/redis/read-model.ts';
import type { TestUserService } from './user-service.ts';

/** What other services find of this user in Redis; undefined when there is nothing. */
export async function publishedProfile(service: TestUserService, id: string) {
  const [record] = await service.redis.getMany([service.redis.key('profile', id)]);
  const payload = parseRecord(record);
  if (record == null || payload === undefined || payload === 'deleted') return undefined;
  return { version: Number(record.subarray(0, 16)), summary: UserSummary.decode(payload) };
}

/** Takes it away, as a flush does. */
export async function forgetProfile(service: TestUserService, id: string): Promise<void> {
  await service.redis.set(service.redis.key('profile', id), '', 1);
}

import { UserFollowed } from '#gen/oxo/user/v1/user_events.ts';
import type { StoredEvent } from '#kit/testing/outbox.ts';
import type { TestUserService } from './user-service.ts';

/** What everybody sees of a user's counts. */
export async function counts(service: TestUserService, id: string) {
  const { user } = await service.as().getUser({ id });
  return { followers: user?.followersCount, following: user?.followingCount };
}

/** The version of the user's follow set as it stands in Redis. */
export async function followVersion(service: TestUserService, userId: string): Promise<string | undefined> {
  const [version] = await service.redis.getMany([service.redis.key('fver', userId)]);
  return version?.toString();
}

/** What was announced of this follower's follows, oldest first. */
export async function followEvents(service: TestUserService, followerId: string): Promise<StoredEvent[]> {
  const events = await service.events();
  return events.filter(
    ({ subject, payload }) =>
      (subject === 'user.followed' || subject === 'user.unfollowed') &&
      UserFollowed.decode(payload).followerId === followerId,
  );
}

import { defineScript, type Redis } from '#kit/redis/redis.ts';
import { decodeEntry, type TimelineEntry } from '#kit/redis/timeline.ts';

const NEWEST_FIRST = defineScript('test-own', "return redis.call('ZRANGE', KEYS[1], '+', '-', 'BYLEX', 'REV')");

/** What Redis holds of an author's own newest posts, newest first. */
export async function ownTimeline(redis: Redis, authorId: string): Promise<TimelineEntry[]> {
  const members = await redis.run(NEWEST_FIRST, [redis.key('own', authorId)], []);
  return (members as Buffer[]).map(decodeEntry);
}

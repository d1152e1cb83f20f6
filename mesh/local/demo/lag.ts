import { setTimeout as delay } from 'node:timers/promises';
import type { Api, CreatedPost } from '../client/api.ts';
import type { Person } from '../client/people.ts';
import { newestFirst } from './expected-feeds.ts';

const pageSize = 100;
const pollMs = 2;
const limitMs = 30_000;

/**
 * Reads a follower's feed until the post is there.
 * @param sinceMs when the post was answered, by performance.now()
 * @returns milliseconds until the answer that shows it; undefined when newer posts have pushed it off the first page before
 * it was seen, or it did not come in 30 s (the comparison will tell)
 */
export async function measureLag(
  api: Api,
  follower: Person,
  post: CreatedPost,
  sinceMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  while (performance.now() - sinceMs < limitMs) {
    const { items } = await api.readFeed(await follower.token(), pageSize);
    const nowMs = performance.now();
    if (items.some((item) => item.id === post.id)) return nowMs - sinceMs;
    const last = items[pageSize - 1];
    if (last !== undefined && newestFirst(last, post) < 0) return undefined;
    await delay(pollMs, undefined, { signal });
  }
  return undefined;
}

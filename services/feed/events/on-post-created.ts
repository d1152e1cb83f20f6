import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import type { Clock } from '#kit/clock.ts';
import { type EventHandler, on, PermanentError } from '#kit/events/consumers/handlers.ts';
import { defineEvent, type EventMetadata } from '#kit/events/envelope.ts';
import type { Followers } from '../feed/followers.ts';
import type { FeedMetrics } from '../feed/metrics.ts';
import type { Windows } from '../feed/window.ts';

const postCreated = defineEvent('post.created', PostCreated);

export interface OnPostCreatedDependencies {
  followers: Followers;
  windows: Pick<Windows, 'push'>;
  metrics: Pick<FeedMetrics, 'fannedOut' | 'visible' | 'pulled'>;
  clock: Clock;
}

/**
 * Fan-out: puts a new post into the windows of its author and of all followers. Idempotent by nature: an entry is in a window
 * once, however often it is pushed. A pulled post is for its author alone, unless its author is no longer pulled: then nobody
 * would look for it. Whoever retires an author builds all windows anew after `pulled:{author}` is gone, so either that build
 * finds the post, or it is pushed here.
 */
export function onPostCreated({ followers, windows, metrics, clock }: OnPostCreatedDependencies): EventHandler {
  /** Replayed events are old without being late. */
  function tellVisible({ time, isReplayed }: EventMetadata): void {
    if (!isReplayed) metrics.visible(Math.max(0, clock.nowMs() - time.getTime()) / 1_000);
  }

  return on(postCreated, async ({ post, pulled }, metadata, { working }) => {
    const { id, requestId } = metadata;
    if (post?.author === undefined || post.createdAt === undefined)
      throw new PermanentError('a post without author or time');
    const entry = { atMs: post.createdAt.getTime(), id: post.id, ownerId: post.author.id };
    // The author's own window goes with the first chunk of followers.
    let author = [entry.ownerId];
    const push = async (followerIds: readonly string[]) => {
      // Few authors have more than one chunk: telling the server costs a message.
      if (author.length === 0) working();
      const userIds = [...author, ...followerIds];
      author = [];
      metrics.fannedOut(await windows.push(userIds, entry));
    };
    if (pulled && (await followers.arePulling(entry.ownerId))) {
      metrics.pulled();
      await push([]);
      return tellVisible(metadata);
    }
    await followers.forEachChunk(entry.ownerId, requestId ?? id, push);
    if (author.length > 0) await push([]);
    tellVisible(metadata);
  });
}

import type { Post } from '#gen/oxo/post/v1/post.ts';
import { DAY_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { type Effect, effect } from '#kit/events/outbox/effects.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { APPEND, encodeEntry, REMOVE } from '#kit/redis/timeline.ts';
import { type PostPlace, type PostRow, timelineEntry } from '../entities/post-entity.ts';
import { postCreated, postDeleted, postUpdated } from '../events.ts';
import { findPost } from './find-posts.ts';
import { encodeForReadModel } from './post-message.ts';
import type { RecentPosts } from './recent-posts.ts';

const POST_TTL_MS = 7 * DAY_MS;
/** One's own newest posts, for one's own feed: they bridge the moments until the fan-out has been there. */
const OWN_ENTRIES = 200;
const OWN_TTL_MS = DAY_MS;

/** What Redis tells other services of posts: `post:{id}`, and `own:{author}`. Only this service writes them. */
export interface PublishedPosts {
  /** After a create: the post, and its place among the author's own. */
  created(row: PostRow): Promise<void>;
  /** After an edit. */
  changed(row: PostRow): Promise<void>;
  /** After a delete. @param version of the delete */
  deleted(place: PostPlace, version: number): Promise<void>;
  /** Puts back what a reader missed. The reader does not wait for it, and it may fail: the next reader asks again. */
  refill(rows: readonly PostRow[]): void;
  /** What the relay does when the request could not: the same, by what the table says now. */
  effects: readonly Effect[];
}

export interface PublishedPostsDependencies {
  redis: Redis;
  db: Queryable;
  recentPosts: RecentPosts;
  logger: Logger;
}

export function createPublishedPosts({ redis, db, recentPosts, logger }: PublishedPostsDependencies): PublishedPosts {
  const warn = warnSeldom(logger);
  const posts = createReadModel(redis, { prefix: 'post', ttlMs: POST_TTL_MS });

  async function changed(row: PostRow): Promise<void> {
    await posts.put(row.id, row.version, encodeForReadModel(row));
  }

  async function created(row: PostRow): Promise<void> {
    const own = redis.run(APPEND, [redis.key('own', row.authorId)], [entryOf(row), OWN_ENTRIES, OWN_TTL_MS]);
    await Promise.all([changed(row), own, row.pulled ? recentPosts.add(row) : undefined]);
  }

  async function deleted(place: PostPlace, version: number): Promise<void> {
    const own = redis.run(REMOVE, [redis.key('own', place.authorId)], [entryOf(place)]);
    await Promise.all([posts.bury(place.id, version), own, recentPosts.remove(place)]);
  }

  /** By the present state: what the event tells may have been changed or deleted since. */
  async function repeat(post: Post | undefined, version: number, whenThere: (row: PostRow) => Promise<void>) {
    if (post === undefined) return;
    const row = await findPost(db, post.id);
    await (row === undefined ? deleted(placeOf(post), version) : whenThere(row));
  }

  return {
    created,
    changed,
    deleted,
    refill(rows) {
      Promise.all(rows.map(changed)).catch((error: unknown) => {
        warn({ err: error }, 'posts were not put back');
      });
    },
    effects: [
      effect(postCreated, ({ post }, { version }) => repeat(post, version, created)),
      effect(postUpdated, ({ post }, { version }) => repeat(post, version, changed)),
      effect(postDeleted, ({ post }, { version }) => repeat(post, version, changed)),
    ],
  };
}

function placeOf(post: Post): PostPlace {
  return { id: post.id, authorId: post.author?.id ?? '', publishedAtMs: post.createdAt?.getTime() ?? 0 };
}

function entryOf(place: PostPlace): Buffer {
  return encodeEntry(timelineEntry(place));
}

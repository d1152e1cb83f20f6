import { PostCreated, PostDeleted } from '#gen/oxo/post/v1/post_events.ts';
import { DAY_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Effect } from '#kit/events/effects.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { APPEND, encodeEntry, REMOVE } from '#kit/redis/timeline.ts';
import { encodeForReadModel, POST_COLUMNS, type PostRow } from './post-message.ts';

const POST_TTL_MS = 7 * DAY_MS;
/** One's own newest posts, for one's own feed: they bridge the moments until the fan-out has been there. */
const OWN_ENTRIES = 200;
const OWN_TTL_MS = DAY_MS;

const FIND = { name: 'post-find', text: `select ${POST_COLUMNS} from posts where id = $1` };

/** What Redis tells other services of posts: `post:{id}`, and `own:{author}`. Only this service writes them. */
export interface PublishedPosts {
  /** After a create: the post, and its place among the author's own. */
  created(row: PostRow): Promise<void>;
  /** After an edit, or when a reader missed it. */
  changed(row: PostRow): Promise<void>;
  /** After a delete. @param version of the delete */
  deleted(row: PostRow, version: number): Promise<void>;
  /** What the relay does when the request could not: the same, by what the table says now. By subject. */
  effects: Readonly<Record<string, Effect>>;
}

export function createPublishedPosts(redis: Redis, db: Database): PublishedPosts {
  const posts = createReadModel(redis, { prefix: 'post', ttlMs: POST_TTL_MS });

  const changed = (row: PostRow) => posts.put(row.id, row.version, encodeForReadModel(row));

  async function created(row: PostRow): Promise<void> {
    const own = redis.run(APPEND, [redis.key('own', row.author_id)], [entryOf(row), OWN_ENTRIES, OWN_TTL_MS]);
    await Promise.all([changed(row), own]);
  }

  async function deleted(row: PostRow, version: number): Promise<void> {
    const own = redis.run(REMOVE, [redis.key('own', row.author_id)], [entryOf(row)]);
    await Promise.all([posts.bury(row.id, version), own]);
  }

  async function repeat(
    id: string | undefined,
    whenThere: (row: PostRow) => Promise<void>,
    version: number,
  ): Promise<void> {
    if (id === undefined) return;
    const [row] = await db.query<PostRow>(FIND, [id]);
    await (row === undefined ? posts.bury(id, version) : whenThere(row));
  }

  return {
    created,
    changed,
    deleted,
    effects: {
      'post.created': (event) => repeat(PostCreated.decode(event.payload).post?.id, created, event.version),
      'post.updated': (event) => repeat(PostCreated.decode(event.payload).post?.id, changed, event.version),
      'post.deleted': (event) => repeat(PostDeleted.decode(event.payload).post?.id, changed, event.version),
    },
  };
}

function entryOf(row: PostRow): Buffer {
  return encodeEntry({ atMs: row.published_at_ms, id: row.id, ownerId: row.author_id });
}

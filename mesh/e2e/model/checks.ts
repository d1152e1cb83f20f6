/** Compares what the system shows with what the model says. */
import assert from 'node:assert/strict';
import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import type { Post } from '#gen/oxo/post/v1/post.ts';
import type { Position } from '#kit/page-token.ts';
import { type ModelPost, newestFirst } from './model.ts';
import type { Stage } from './stage.ts';
import type { Person } from './system.ts';

/** A page as it was answered. */
export type ShownPage = {
  /** Whose page of what. */
  readonly title: string;
  readonly posts: readonly Post[];
  /** Of a feed: why each post is there. */
  readonly reasons?: readonly FeedItem_Reason[];
  readonly pageSize: number;
  /** Where it begins and where the next one does; undefined for the beginning and the end. */
  readonly before: Position | undefined;
  readonly next: Position | undefined;
};

/** More posts than this that are gone, and a page of a feed may stay short. */
const maxGone = 9;

/**
 * The page holds exactly what the model has between its two ends, in order.
 * @param isDue tells of a post whether it must be there; one that need not may be there nevertheless, but as it is now
 */
export function checkPage(
  stage: Stage,
  expected: readonly ModelPost[],
  page: ShownPage,
  isDue: (post: ModelPost) => boolean,
): void {
  const { title, posts, pageSize, before, next } = page;
  const shown = new Set(posts.map(({ id }) => id));
  const inRange = expected.filter(
    (post) =>
      (before === undefined || newestFirst(before, post) < 0) && (next === undefined || newestFirst(post, next) <= 0),
  );
  const wanted = inRange.filter((post) => shown.has(post.id) || isDue(post));
  const described = wanted.map((post) => describeExpected(stage, post));
  requireEqual(title, posts.map(describeShown), described);
  if (next === undefined) return;
  assert.ok(before === undefined || newestFirst(before, next) < 0, 'the next page begins below this one');
  if (stage.model.deletes() <= maxGone) assert.equal(posts.length, pageSize, 'only the last page is short');
}

/** @throws AssertionError with both and how they differ */
export function requireEqual(title: string, shown: unknown, expected: unknown): void {
  try {
    assert.deepEqual(shown, expected);
  } catch (error) {
    throw new Error(`${title}: ${(error as Error).message}`, { cause: error });
  }
}

/** What is shown beside the posts of a feed. */
export function checkReasons(viewer: Person, { posts, reasons = [] }: ShownPage): void {
  const expected = posts.map(({ author }) =>
    author?.id === viewer.id ? FeedItem_Reason.OWN_POST : FeedItem_Reason.FOLLOWED_AUTHOR,
  );
  assert.deepEqual(reasons, expected);
}

/** A page that was read while others changed what is in it: nothing twice, and in order. */
export function checkShape({ posts, pageSize }: ShownPage): void {
  assert.ok(posts.length <= pageSize);
  const positions = posts.map(({ id, createdAt }) => ({ id, atMs: createdAt?.getTime() ?? 0 }));
  assert.deepEqual(positions, positions.toSorted(newestFirst));
  assert.equal(new Set(positions.map(({ id }) => id)).size, positions.length, 'nothing is there twice');
}

export function describeShown({ id, author, text, entities, visibility, createdAt, editedAt, etag }: Post) {
  return { text, entities, id, author, visibility, atMs: createdAt?.getTime(), editedAtMs: editedAt?.getTime(), etag };
}

export function describeExpected({ model }: Stage, post: ModelPost): ReturnType<typeof describeShown> {
  const { id, handle, displayName } = model.person(post.authorId);
  const { text, entities, visibility, atMs, editedAtMs, etag } = post;
  return {
    text,
    entities: [...entities],
    id: post.id,
    author: { id, handle, displayName },
    visibility,
    atMs,
    editedAtMs,
    etag,
  };
}

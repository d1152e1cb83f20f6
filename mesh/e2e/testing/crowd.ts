import assert from 'node:assert/strict';
import type { Position } from '#kit/page-token.ts';
import { newestFirst } from '#kit/redis/timeline.ts';
import { until } from '#kit/testing/until.ts';
import { type Answer, type Api, ApiError } from './client.ts';
import type { ErrorBody } from './openapi.ts';
import { feedPage, feedTexts, follow, type Person, type Post, readFeed, readPosts, signUpAll } from './people.ts';

/** Authors, and followers who follow all of them and have read their feeds, so that each has a window. */
export type Crowd = { readonly authors: readonly Person[]; readonly followers: readonly Person[] };

export async function gather(api: Api, authorCount: number, followerCount: number): Promise<Crowd> {
  const authors = await signUpAll(api, authorCount);
  const followers = await signUpAll(api, followerCount);
  await Promise.all(followers.flatMap((follower) => authors.map((author) => follow(api, follower, author))));
  await Promise.all(followers.map((follower) => feedPage(api, follower)));
  return { authors, followers };
}

/** What became of posts that were sent while something failed. */
export type Written = {
  /** Posts that were answered with 201. */
  readonly acknowledged: readonly Post[];
  /** Texts whose requests failed: they may be there or not. */
  readonly doubtful: readonly string[];
};

export type Writing = {
  /** How many were acknowledged so far. */
  readonly count: () => number;
  /** Sends no more and gives what became of those sent. */
  readonly stop: () => Promise<Written>;
};

/** Errors that a client may see while something is away: it is told to try again. */
const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED']);

/** Begins to post as all authors at once, one request after the other each, until it is stopped. */
export function beginWriting(api: Api, authors: readonly Person[], name: string, lanesEach = 2): Writing {
  const acknowledged: Post[] = [];
  const doubtful: string[] = [];
  let stopped = false;
  const lane = async (author: Person, lane: number): Promise<void> => {
    for (let number = 0; !stopped; number += 1) {
      const text = `${name} ${author.handle} ${lane} ${number}`;
      const { status, body } = await send(api, author, text);
      if (status === 201) acknowledged.push((body as { post: Post }).post);
      else doubtful.push(text);
      if (status !== 201) requirePassing(status, body as ErrorBody);
    }
  };
  const running = authors.flatMap((author) => Array.from({ length: lanesEach }, (_, number) => lane(author, number)));
  // A failure is reported by stop; until then it must not count as unhandled.
  const done = Promise.allSettled(running);
  return {
    count: () => acknowledged.length,
    stop: async () => {
      stopped = true;
      for (const result of await done) if (result.status === 'rejected') throw result.reason;
      return { acknowledged, doubtful };
    },
  };
}

function send(api: Api, author: Person, text: string): Promise<Answer> {
  return api.call({ method: 'POST', path: '/posts', token: author.accessToken, body: { text } });
}

function requirePassing(status: number, body: ErrorBody): void {
  const error = new ApiError({ method: 'POST', path: '/posts' }, status, body);
  if (!PASSING.has(error.reason)) throw error;
}

/** Waits until writing goes on: so many more were acknowledged. */
export async function untilMore(writing: Writing, more: number): Promise<void> {
  const before = writing.count();
  await until(`${more} more posts are acknowledged`, () => writing.count() >= before + more);
}

/**
 * Every acknowledged post is in every follower's feed once and in order, and nothing that its author did not send; what is
 * in a feed is what the authors' own lists say.
 */
export async function requireDelivered(api: Api, { authors, followers }: Crowd, written: Written): Promise<void> {
  const listed = (await Promise.all(authors.map((author) => readPosts(api, author)))).flat();
  const ids = new Set(listed.map(({ id }) => id));
  const lost = written.acknowledged.filter(({ id }) => !ids.has(id));
  assert.deepEqual(lost, [], 'acknowledged and lost');
  const sent = new Set([...written.acknowledged.map(({ text }) => text), ...written.doubtful]);
  assert.deepEqual(
    listed.filter(({ text }) => !sent.has(text)),
    [],
    'never sent',
  );
  assert.equal(new Set(listed.map(({ text }) => text)).size, listed.length, 'a post was made twice');
  const expected = listed.toSorted((a, b) => newestFirst(placeOf(a), placeOf(b))).map(({ text }) => text);
  for (const reader of [...followers]) assert.deepEqual(await feedTexts(api, reader), expected, reader.handle);
  for (const author of authors) {
    const own = expected.filter((text) => text.includes(author.handle));
    assert.deepEqual(await feedTexts(api, author), own);
  }
}

function placeOf({ createdAt, id }: Post): Position {
  return { atMs: Date.parse(createdAt), id };
}

/** Whole feeds as texts, by handle. */
export async function feedsOf(api: Api, readers: readonly Person[]): Promise<Record<string, string[]>> {
  const feeds = readers.map(async (reader) => {
    const posts = await readFeed(api, reader, 50);
    return [reader.handle, posts.map(({ text }) => text)] as const;
  });
  return Object.fromEntries(await Promise.all(feeds));
}

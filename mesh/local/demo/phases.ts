import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../cli/progress.ts';
import type { Api } from '../client/api.ts';
import { inParallel } from '../client/in-parallel.ts';
import { type Person, personAt, signUp } from '../client/people.ts';
import type { ExpectedFeeds } from './expected-feeds.ts';
import { measureLag } from './lag.ts';
import type { Change, Follow, PlannedPost, Society } from './society.ts';

/** What the phases share. */
export type DemoRun = {
  readonly api: Api;
  readonly progress: Progress;
  /** Requests in flight. */
  readonly connections: number;
  readonly runId: string;
  readonly society: Society;
  readonly expected: ExpectedFeeds;
  readonly signal: AbortSignal;
};

/** What is needed to judge feeds. */
export type FeedRun = Pick<DemoRun, 'api' | 'progress' | 'connections' | 'expected' | 'signal'>;

const lagSamples = 200;
/** Whoever watches a post arrive does not write meanwhile. */
const minSampleEvery = 4;
const waverTurns = 2;
const waveringAtOnce = 4;
/** The user service looks every second. */
const crossingMs = 2_000;
const password = 'a password for the demo 7';

/** Signs everyone up. */
export async function signUpAll(run: DemoRun): Promise<Person[]> {
  const phase = run.progress.phase('signing up', run.society.people);
  const people: Person[] = [];
  const numbers = Array.from({ length: run.society.people }, (_, number) => number);
  await inParallel(numbers, run.connections, async (number) => {
    const handle = `d${run.runId}_${number}`;
    people[number] = await signUp(run.api, handle, `Person ${number} ✿ số ${number}`, password);
    phase.done();
  });
  phase.end();
  return people;
}

export async function followAll(
  run: DemoRun,
  people: readonly Person[],
  name: string,
  follows: readonly Follow[],
): Promise<void> {
  const phase = run.progress.phase(name, follows.length);
  await inParallel(follows, run.connections, async ({ follower, followee }) => {
    const token = await personAt(people, follower).token();
    await run.api.follow(token, personAt(people, followee).userId);
    run.expected.follow(follower, followee);
    phase.done();
  });
  phase.end();
}

/** Most people look at their feed, so that there are windows to push into. */
export async function openFeeds(run: DemoRun, people: readonly Person[]): Promise<void> {
  const readers = [...run.society.earlyReaders];
  const phase = run.progress.phase('first looks at feeds', readers.length);
  await inParallel(readers, run.connections, async (reader) => {
    await run.api.readFeed(await personAt(people, reader).token());
    phase.done();
  });
  phase.end();
}

export type Published = {
  /** Post ids by their place in `Society.posts`. */
  readonly ids: readonly string[];
  /** Windows that the posts should have been pushed into. */
  readonly expectedInserts: number;
  /** Milliseconds from the answer to a post until a follower saw it, under the load of the other posts. */
  readonly lagsMs: readonly number[];
};

/** Writes all posts, and watches some of them arrive. */
export async function publishAll(run: DemoRun, people: readonly Person[]): Promise<Published> {
  const { society, expected, api } = run;
  const phase = run.progress.phase('posts', society.posts.length);
  const ids: string[] = [];
  const lagsMs: number[] = [];
  const sampleEvery = Math.max(minSampleEvery, Math.floor(society.posts.length / lagSamples));
  let expectedInserts = 0;
  const wavering = new Set(society.wavering.map(({ author }) => author));
  await inParallel(society.posts, run.connections, async (post, index) => {
    const token = await personAt(people, post.author).token();
    const created = await api.createPost(token, post.text, post.visibility, `${run.runId}-${index}`);
    const answeredAtMs = performance.now();
    expected.post({ ...created, ...post });
    ids[index] = created.id;
    const readers = earlyReadersOf(run, post);
    // The author's own window gets it too.
    expectedInserts += readers.length + (society.earlyReaders.has(post.author) ? 1 : 0);
    phase.done();
    const reader = readers[index % Math.max(1, readers.length)];
    // Whose followers come and go, nobody waits for.
    if (index % sampleEvery !== 0 || reader === undefined || wavering.has(post.author)) return;
    const lagMs = await measureLag(api, personAt(people, reader), created, answeredAtMs, run.signal);
    if (lagMs !== undefined) lagsMs.push(lagMs);
  });
  phase.end();
  return { ids, expectedInserts, lagsMs };
}

/**
 * Some authors lose followers and win them back while all write. Each turn lasts as long as the stack takes to see that an
 * author has crossed the limit.
 */
export async function waver(run: DemoRun, people: readonly Person[]): Promise<void> {
  const { api, expected, signal } = run;
  await inParallel(run.society.wavering, waveringAtOnce, async ({ author, followers }) => {
    const { userId } = personAt(people, author);
    for (let turn = 0; turn < waverTurns; turn += 1) {
      for (const follower of followers) {
        await api.unfollow(await personAt(people, follower).token(), userId);
        expected.unfollow(follower, author);
      }
      await delay(crossingMs, undefined, { signal });
      for (const follower of followers) {
        await api.follow(await personAt(people, follower).token(), userId);
        expected.follow(follower, author);
      }
      await delay(crossingMs, undefined, { signal });
    }
  });
}

function earlyReadersOf({ expected, society }: DemoRun, { author }: PlannedPost): number[] {
  return [...expected.followersOf(author)].filter((follower) => society.earlyReaders.has(follower));
}

/** Unfollows, edits and deletes, mixed. */
export async function changeAll(run: DemoRun, people: readonly Person[], ids: readonly string[]): Promise<void> {
  const { changes } = run.society;
  const phase = run.progress.phase('unfollows, edits, deletes', changes.length);
  await inParallel(changes, run.connections, async (change) => {
    await apply(run, people, ids, change);
    phase.done();
  });
  phase.end();
}

async function apply(run: DemoRun, people: readonly Person[], ids: readonly string[], change: Change): Promise<void> {
  const { api, expected, society } = run;
  if (change.kind === 'unfollow') {
    const token = await personAt(people, change.follower).token();
    await api.unfollow(token, personAt(people, change.followee).userId);
    expected.unfollow(change.follower, change.followee);
    return;
  }
  const id = ids[change.post] ?? '';
  const token = await personAt(people, society.posts[change.post]?.author ?? -1).token();
  if (change.kind === 'edit') {
    await api.editPost(token, id, change.text);
    expected.edit(id, change.text);
  } else {
    await api.deletePost(token, id);
    expected.delete(id);
  }
}

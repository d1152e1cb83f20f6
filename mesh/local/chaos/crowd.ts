import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../cli/cli-error.ts';
import type { Api } from '../client/api.ts';
import { inParallel } from '../client/in-parallel.ts';
import type { Person } from '../client/people.ts';
import { personAt } from '../client/people.ts';
import { createRandom, type Random } from '../client/random.ts';
import { newestFirst } from '../demo/expected-feeds.ts';
import type { FeedRun } from '../demo/phases.ts';
import type { Findings } from './findings.ts';

export type CrowdRun = FeedRun & { readonly runId: string; readonly seed: number; readonly findings: Findings };

/** What people have done, each counted once it was answered. */
export type Deeds = Record<'posts' | 'edits' | 'deletes' | 'follows' | 'unfollows' | 'reads', number>;

export type Crowd = {
  readonly people: readonly Person[];
  readonly deeds: Deeds;
  /** Begins to act as everybody at once, one request after the other each. @returns how to stop; resolves when all is answered */
  readonly begin: () => () => Promise<void>;
};

const password = 'a password for chaos 9';
const renewBeforeMs = 120_000;
const followsAtFirst = 8;
const maxPauseMs = 900;
/** Of a person: older ones are left alone. */
const postsAtHand = 20;

/** Signs people up, lets them follow each other, and opens their feeds. */
export async function gatherCrowd(run: CrowdRun, count: number): Promise<Crowd> {
  const people: Person[] = [];
  const phase = run.progress.phase('signing up', count);
  const numbers = Array.from({ length: count }, (_, number) => number);
  await inParallel(numbers, run.connections, async (number) => {
    people[number] = await signUp(run.api, `c${run.runId}_${number}`);
    phase.done();
  });
  phase.end();
  const deeds: Deeds = { posts: 0, edits: 0, deletes: 0, follows: 0, unfollows: 0, reads: 0 };
  const lives = numbers.map((number) => createLife(run, people, number, deeds));
  await inParallel(lives, run.connections, (life) => life.settleIn());
  return {
    people,
    deeds,
    begin() {
      let stopped = false;
      const living = Promise.all(lives.map((life) => life.live(() => stopped)));
      return async () => {
        stopped = true;
        await living;
      };
    },
  };
}

/** Signs in anew when the token is old: an answer to a refresh may be lost twice, which ends the session. */
async function signUp(api: Api, handle: string): Promise<Person> {
  let session = await api.signUp(handle, `Person ${handle}`, password);
  return {
    handle,
    userId: session.userId,
    token: async () => {
      if (session.expiresAtMs - performance.now() < renewBeforeMs) session = await api.signIn(handle, password);
      return session.accessToken;
    },
  };
}

type Life = { readonly settleIn: () => Promise<void>; readonly live: (isOver: () => boolean) => Promise<void> };

/**
 * Does one thing after the other, so that it is known at any time what must be true: a request is repeated until it is answered,
 * each with its own Idempotency-Key.
 */
function createLife(run: CrowdRun, people: readonly Person[], number: number, deeds: Deeds): Life {
  const { api, expected } = run;
  const random: Random = createRandom(run.seed * 1_009 + number);
  const me = personAt(people, number);
  const followed = new Set<number>();
  const posts: { id: string; edits: number }[] = [];
  let sent = 0;

  const others = (): number[] => [...people.keys()].filter((other) => other !== number);

  async function follow(other: number): Promise<void> {
    await api.follow(await me.token(), personAt(people, other).userId);
    expected.follow(number, other);
    followed.add(other);
    deeds.follows += 1;
  }

  async function unfollow(other: number): Promise<void> {
    await api.unfollow(await me.token(), personAt(people, other).userId);
    expected.unfollow(number, other);
    followed.delete(other);
    deeds.unfollows += 1;
  }

  async function post(): Promise<void> {
    sent += 1;
    const key = `${run.runId}-${number}-${sent}`;
    const visibility = random.below(4) === 0 ? 'FOLLOWERS' : 'PUBLIC';
    const created = await api.createPost(await me.token(), `post ${key}`, visibility, key);
    expected.post({ ...created, author: number, text: `post ${key}`, visibility });
    posts.push({ id: created.id, edits: 0 });
    if (posts.length > postsAtHand) posts.shift();
    deeds.posts += 1;
  }

  async function edit(): Promise<void> {
    if (posts.length === 0) return post();
    const chosen = random.pick(posts);
    chosen.edits += 1;
    const text = `edit ${chosen.edits} of ${chosen.id}`;
    await api.editPost(await me.token(), chosen.id, text);
    expected.edit(chosen.id, text);
    deeds.edits += 1;
  }

  async function remove(): Promise<void> {
    if (posts.length === 0) return post();
    const [chosen] = posts.splice(random.below(posts.length), 1);
    if (chosen === undefined) return;
    await api.deletePost(await me.token(), chosen.id);
    expected.delete(chosen.id);
    deeds.deletes += 1;
  }

  /** Whatever dies meanwhile, a page holds nothing twice and is in order, and the next one goes on behind it. */
  async function read(): Promise<void> {
    const first = await api.readFeed(await me.token());
    const token = await me.token();
    const second = first.nextPageToken === '' ? undefined : await api.readFeed(token, 7, first.nextPageToken);
    const items = [...first.items, ...(second?.items ?? [])];
    for (const [index, item] of items.entries()) {
      const before = items[index - 1];
      const where = `${me.handle} read while processes died: ${item.id}`;
      if (items.findIndex(({ id }) => id === item.id) < index) run.findings.add('doubled', where);
      else if (before !== undefined && newestFirst(before, item) > 0) run.findings.add('outOfPlace', where);
    }
    deeds.reads += 1;
  }

  function act(): Promise<void> {
    const dice = random.below(100);
    if (dice < 45) return post();
    if (dice < 70) return read();
    if (dice < 78) return edit();
    if (dice < 85) return remove();
    const other = random.pick(others());
    return followed.has(other) ? unfollow(other) : follow(other);
  }

  return {
    async settleIn() {
      for (const other of random.shuffle(others()).slice(0, followsAtFirst)) await follow(other);
      await read();
    },
    async live(isOver) {
      while (!isOver() && !run.signal.aborted) {
        await act().catch((error: unknown) => run.findings.add('wrong', `${me.handle}: ${messageOf(error)}`));
        await delay(random.next() * maxPauseMs, undefined, { signal: run.signal }).catch(() => undefined);
      }
    },
  };
}

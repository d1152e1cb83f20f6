import { DAY_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { type Metrics, startAtZero } from '#kit/observability/metrics.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { PULL_STATE, type PulledAuthorRow, type PullState } from '../entities/pulled-author-entity.ts';
import type { FollowVersions } from './follow-versions.ts';
import { followerPages } from './follower-pages.ts';
import { ANNOUNCE, COUNT, PULLED_AUTHORS, REMOVE, STEP } from './pulled-author-statements.ts';

/** Back under the limit is only who has lost a fifth of it: whoever wavers about it crosses it seldom. */
const BACK_SHARE = 0.8;
/** Published anew all the time, in case Redis has lost it. */
const TTL_MS = DAY_MS;
/** Authors that are waiting to be looked at. More are forgotten: their next follower brings them back. */
const MAX_TOUCHED = 10_000;
const BATCH = 500;
const CHUNK_FOLLOWERS = 1_000;
/** There is nothing more to say of a pulled author. */
const PRESENT = new Uint8Array();

/**
 * Authors with more followers than posts are pushed to. Their followers look for the posts themselves, in `recent:{author}`.
 * `pulled:{author}` in Redis tells the post service, which decides for each post. Only this service writes it.
 *
 * A post may be pulled only when everybody who follows its author knows where to look, and the author may be forgotten only when all
 * that was pulled is in the windows. So an author crosses the limit in steps, each of which may be repeated, by any process:
 * - up: the table says "announced" and whoever asks for a follow set is told; the versions of all followers' sets are renewed, so that
 *   all ask again; then "pulled", and `pulled:{author}`.
 * - down: "retiring", and `pulled:{author}` is gone: the fan-out pushes what was decided before and comes after; the versions
 *   are renewed, so that all windows are built anew, with what was pulled; then the author is forgotten.
 * To be late on the way costs speed, never a post.
 */
export interface PulledAuthors {
  /** After a follow or an unfollow of this user. */
  touched(userId: string): void;
  /** Lets those cross whose followers have become many or few. For a background loop; quick when there is nothing to do. */
  review(): Promise<void>;
  /** Publishes all that are pulled, and finishes what a process that died has left half done. For a background loop. */
  sweep(): Promise<void>;
}

export interface PulledAuthorsDependencies {
  db: Queryable;
  redis: Redis;
  followVersions: Pick<FollowVersions, 'renewed'>;
  /** Who has more followers is pulled. */
  maxPushedFollowers: number;
  metrics: Metrics;
}

interface Counted {
  userId: string;
  followers: number;
  state: PullState | null;
  version: number | null;
}

export function createPulledAuthors(dependencies: PulledAuthorsDependencies): PulledAuthors {
  const { db, redis, followVersions, maxPushedFollowers, metrics } = dependencies;
  const published = createReadModel(redis, { prefix: 'pulled', ttlMs: TTL_MS });
  const crossings = metrics.counter({
    name: 'oxo_user_pull_crossings_total',
    help: 'Authors whose followers became more than posts are pushed to (up), or few again (down).',
    labelNames: ['direction'],
  });
  startAtZero(crossings, { direction: 'up' }, { direction: 'down' });
  const backAt = Math.floor(maxPushedFollowers * BACK_SHARE);
  const touched = new Set<string>();

  async function renewFollowers(authorId: string): Promise<void> {
    for await (const groups of followerPages(db, [authorId])) {
      const followerIds = groups.flatMap((group) => group.followerIds);
      for (let start = 0; start < followerIds.length; start += CHUNK_FOLLOWERS) {
        await followVersions.renewed(followerIds.slice(start, start + CHUNK_FOLLOWERS));
      }
    }
  }

  /** @returns the version of the next step; undefined when somebody else has taken one since */
  async function step(author: Pick<PulledAuthorRow, 'userId' | 'version'>, state: PullState) {
    const [row] = await db.query<{ version: number }>(STEP, [author.userId, author.version, state]);
    return row?.version;
  }

  async function raise(announced: Pick<PulledAuthorRow, 'userId' | 'version'>): Promise<void> {
    await renewFollowers(announced.userId);
    const version = await step(announced, PULL_STATE.pulled);
    if (version === undefined) return;
    await published.put(announced.userId, version, PRESENT);
    crossings.inc({ direction: 'up' });
  }

  async function retire({ userId, version }: Pick<PulledAuthorRow, 'userId' | 'version'>): Promise<void> {
    await published.bury(userId, version);
    await renewFollowers(userId);
    const gone = await db.query(REMOVE, [userId, version]);
    if (gone.length > 0) crossings.inc({ direction: 'down' });
  }

  async function cross({ userId, followers, state, version }: Counted): Promise<void> {
    if (state === null || version === null) {
      if (followers <= maxPushedFollowers) return;
      const [row] = await db.query<{ version: number }>(ANNOUNCE, [userId]);
      if (row !== undefined) await raise({ userId, version: row.version });
    } else if (state !== PULL_STATE.retiring && followers <= backAt) {
      const retiring = await step({ userId, version }, PULL_STATE.retiring);
      if (retiring !== undefined) await retire({ userId, version: retiring });
    }
  }

  /** What is pulled is published at once: later it might be no longer true. */
  async function finish(authors: readonly PulledAuthorRow[]): Promise<void> {
    const inState = (state: PullState) => authors.filter((author) => author.state === state);
    await Promise.all(
      inState(PULL_STATE.pulled).map((author) => published.put(author.userId, author.version, PRESENT)),
    );
    for (const author of inState(PULL_STATE.announced)) await raise(author);
    for (const author of inState(PULL_STATE.retiring)) await retire(author);
  }

  return {
    touched(userId) {
      if (touched.size < MAX_TOUCHED) touched.add(userId);
    },
    async review() {
      while (touched.size > 0) {
        const batch = [...touched].slice(0, BATCH);
        // Before they are counted: a follow that comes meanwhile is not overlooked.
        for (const userId of batch) touched.delete(userId);
        for (const author of await db.query<Counted>(COUNT, [batch])) await cross(author);
      }
    },
    async sweep() {
      for (let last = ''; ; ) {
        const authors = await db.query<PulledAuthorRow>(PULLED_AUTHORS, [last === '' ? null : last, BATCH]);
        await finish(authors);
        last = authors.at(-1)?.userId ?? '';
        if (authors.length < BATCH) return;
      }
    },
  };
}

/** Faults of what is there, and slow or too small. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { beginWriting } from '../testing/crowd.ts';
import { inDatabase } from '../testing/database.ts';
import { signUpAll } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import type { Fault } from './fault.ts';
import { beginCalling } from './traffic.ts';

const lockedMs = 300;
/** Several times as many as a process has connections: each waits for several turns of the lock. */
const readers = 40;
const writers = { people: 2, lanesEach: 4 };

/** Nobody can see or write posts, most of the time, and many want to. */
export const postsLocked: Fault = {
  fires: [{ alert: 'PostsSlow' }, { alert: 'ApiSlow' }, { alert: 'DatabasePoolExhausted', labels: { job: 'post' } }],
  // Whether Postgres is there is asked by the same connections; who is let through comes with others, and waits for the limiter for 50 ms.
  mayFire: ['PostgresAway', 'LimiterAway'],
  cause: async ({ world }) => {
    const people = await signUpAll(world.api, writers.people);
    const lock = beginLocking(world, 'posts.posts in access exclusive mode');
    const path = `/users/${people[0]?.id}/posts`;
    const reading = beginCalling(Array.from({ length: readers }, () => () => world.api.call({ path })));
    const writing = beginWriting(world.api, people, 'patience', writers.lanesEach);
    return async () => {
      await lock.stop();
      await reading.stop();
      await writing.stop();
    };
  },
};

/** Holds a lock, lets those through who wait, and takes it again. */
function beginLocking({ stack }: World, lock: string): { readonly stop: () => Promise<void> } {
  let stopped = false;
  const locking = inDatabase(stack.urls.database, async (client) => {
    while (!stopped) {
      await client.query('begin');
      await client.query(`lock table ${lock}`);
      await delay(lockedMs);
      await client.query('commit');
    }
  });
  // A failure is reported by stop; until then it must not count as unhandled.
  const done = Promise.allSettled([locking]);
  return {
    stop: async () => {
      stopped = true;
      await done;
      await locking;
    },
  };
}

/** A process that gets its turn rarely. */
const stutter =
  (name: string, { stopsMs, runsMs }: { readonly stopsMs: number; readonly runsMs: number }): Fault['cause'] =>
  async ({ world }) => {
    const process = world.stack.process(name);
    let mended = false;
    const again = async (): Promise<void> => {
      while (!mended) {
        process.kill('SIGSTOP');
        await delay(stopsMs);
        process.kill('SIGCONT');
        await delay(runsMs);
      }
    };
    const running = again();
    return () => {
      mended = true;
      return running;
    };
  };

/** Every page of a feed asks it whom its reader follows. */
export const eventLoopBlocked: Fault = {
  fires: [{ alert: 'EventLoopBlocked', labels: { job: 'user' } }, { alert: 'FeedReadsSlow' }],
  // It may take too long to say whether what it needs is there.
  mayFire: ['PostgresAway', 'NatsAway', 'RedisAway'],
  cause: stutter('user', { stopsMs: 800, runsMs: 200 }),
};

/** It may have no more than it has: with every key that is new another goes. */
export const redisTooSmall: Fault = {
  fires: [{ alert: 'RedisEvicts', labels: { job: 'redis' } }],
  isLate: true,
  cause: async ({ world }) => {
    const client = new Redis(world.stack.urls.redis);
    client.on('error', () => {});
    const [, before = ''] = (await client.config('GET', 'maxmemory')) as string[];
    const used = /used_memory:(\d+)/.exec(await client.info('memory'))?.[1] ?? '';
    await client.config('SET', 'maxmemory', used);
    return async () => {
      await client.config('SET', 'maxmemory', before);
      client.disconnect();
    };
  },
};

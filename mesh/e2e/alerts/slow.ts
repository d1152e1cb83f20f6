/** Faults of what is there, and slow or too small. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { beginWriting } from '../testing/crowd.ts';
import { inDatabase } from '../testing/database.ts';
import { signUpAll } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import type { Fault } from './fault.ts';

/** Longer than anybody should wait. */
const lockedMs = 1_500;
const writers = { people: 2, lanesEach: 4 };

/** Somebody holds a lock on posts, lets those through who wait, and takes it again. */
export const tableLocked: Fault = {
  fires: [{ alert: 'PostsSlow' }, { alert: 'ApiSlow' }],
  // Those who were let through come all at once, and the limiter is waited for for 50 ms.
  mayFire: ['LimiterAway'],
  cause: async ({ world }) => {
    const people = await signUpAll(world.api, writers.people);
    const lock = beginLocking(world);
    const writing = beginWriting(world.api, people, 'patience', writers.lanesEach);
    return async () => {
      await lock.stop();
      await writing.stop();
    };
  },
};

function beginLocking({ stack }: World): { readonly stop: () => Promise<void> } {
  let stopped = false;
  const locking = inDatabase(stack.urls.database, async (client) => {
    while (!stopped) {
      await client.query('begin');
      await client.query('lock table posts.posts in exclusive mode');
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

export const eventLoopBlocked: Fault = {
  fires: [{ alert: 'EventLoopBlocked', labels: { job: 'user' } }],
  cause: stutter('user', { stopsMs: 800, runsMs: 200 }),
};

/** Slower than feeds may be, and not so slow that services give it up. */
export const redisSlow: Fault = {
  fires: [{ alert: 'FeedReadsSlow' }],
  mayFire: ['RedisAway'],
  cause: stutter('redis', { stopsMs: 400, runsMs: 100 }),
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

import { setTimeout as delay } from 'node:timers/promises';
import { until } from '#kit/testing/until.ts';
import { findFreePortBase } from '../../local/ports.ts';
import { services } from '../../local/services.ts';
import { readEvents, readOutboxes } from '../../local/stack/health.ts';
import type { StackOptions } from '../../local/stack/plan.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { type Api, createApi } from './client.ts';

/** A whole stack of its own, and a client of its front door. */
export type World = {
  readonly stack: Stack;
  readonly api: Api;
  readonly stateDir: string;
  /** Kills a process with -9 and waits until the one that the supervisor starts in its place is ready. */
  readonly kill: (name: string) => Promise<void>;
  /** Kills a process with -9, does the work while it is away, which is at least for that long, and waits until it is back. */
  readonly outage: (name: string, atLeastMs: number, work: () => Promise<unknown>) => Promise<void>;
  /** Resolves when every event has been published and handled. Fails when one was given up. */
  readonly settled: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** More environment for one of the services; see StackOptions.serviceEnv. */
export function environmentFor(service: string, more: Record<string, string>) {
  return (name: string): Record<string, string> => (name === service ? more : {});
}

/** The wait after every death. */
const backoff = { firstMs: 50, maxMs: 60_000, resetAfterMs: 0 };
/** Within which what was killed is ready again, on a machine under any load. */
const comebackMs = 60_000;
/** What a killed consumer held is delivered again after half a minute, what failed twice or thrice a little later. */
const settledMs = 120_000;
/** Whom a test has stopped stays so until the test lets it go on. */
const liveness = { intervalMs: 5_000, timeoutMs: 5_000, failures: 6 };

/** @param options more than a stack's defaults */
export async function startWorld(options: Partial<StackOptions> = {}): Promise<World> {
  const stateDir = temporaryFolder();
  const stack = await startStack({ stateDir, portBase: await findFreePortBase(), backoff, liveness, ...options });
  const api = createApi(stack.urls.frontDoor);

  async function kill(name: string): Promise<void> {
    const process = stack.process(name);
    const pid = process.pid();
    if (pid === undefined) throw new Error(`${name} does not run`);
    process.kill('SIGKILL');
    await process.replaced(pid, comebackMs);
  }

  async function outage(name: string, atLeastMs: number, work: () => Promise<unknown>): Promise<void> {
    const process = stack.process(name);
    await process.pause('SIGKILL');
    try {
      await Promise.all([work(), delay(atLeastMs)]);
    } finally {
      await process.resume();
    }
  }

  return {
    stack,
    api,
    stateDir,
    kill,
    outage,
    settled: () => untilSettled(stack),
    stop: async () => {
      api.close();
      await stack.stop();
    },
  };
}

async function untilSettled(stack: Stack): Promise<void> {
  await until(
    'all events are handled',
    async () => {
      const outboxes = await readOutboxes(stack.urls.databases, services);
      const { consumers, deadLetters } = await readEvents(stack.urls.nats);
      if (deadLetters > 0) throw new Error(`${deadLetters} events were given up`);
      const waiting = outboxes.reduce((sum, outbox) => sum + outbox.waiting, 0);
      const inHand = consumers.reduce((sum, consumer) => sum + consumer.pending + consumer.inFlight, 0);
      return waiting + inHand === 0 || (await delay(100, undefined));
    },
    settledMs,
  );
}

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
  /**
   * Kills a process with -9, keeps it away for that long, does the work meanwhile and waits until it is back.
   * Fails when the work took longer than the outage: it would have proved nothing.
   */
  readonly outage: (name: string, durationMs: number, work: () => Promise<unknown>) => Promise<void>;
  /** Resolves when every event has been published and handled. Fails when one was given up. */
  readonly settled: (timeoutMs?: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** More environment for one of the services; see StackOptions.serviceEnv. */
export function environmentFor(service: string, more: Record<string, string>) {
  return (name: string): Record<string, string> => (name === service ? more : {});
}

/** The first wait after a death; outages make it longer. */
const restartMs = 50;
/** Whom a test has stopped stays so until the test lets it go on. */
const liveness = { intervalMs: 5_000, timeoutMs: 5_000, failures: 6 };

/** @param options more than a stack's defaults */
export async function startWorld(options: Partial<StackOptions> = {}): Promise<World> {
  const stateDir = temporaryFolder();
  let awayMs = restartMs;
  // Read at each death, so that an outage lasts as long as a test wants.
  const backoff = {
    get firstMs() {
      return awayMs;
    },
    maxMs: 60_000,
    resetAfterMs: 0,
  };
  const stack = await startStack({ stateDir, portBase: await findFreePortBase(), backoff, liveness, ...options });
  const api = createApi(stack.urls.frontDoor);

  async function outage(name: string, durationMs: number, work: () => Promise<unknown>): Promise<void> {
    const process = stack.process(name);
    const pid = process.pid();
    if (pid === undefined) throw new Error(`${name} does not run`);
    awayMs = durationMs;
    process.kill('SIGKILL');
    try {
      await until(`${name} is dead`, () => process.pid() !== pid);
      await work();
      if (durationMs > restartMs && process.pid() !== undefined) throw new Error(`${name} came back too early`);
    } finally {
      awayMs = restartMs;
    }
    await process.replaced(pid, durationMs + 30_000);
  }

  return {
    stack,
    api,
    stateDir,
    kill: (name) => outage(name, restartMs, () => Promise.resolve()),
    outage,
    settled: (timeoutMs) => untilSettled(stack, timeoutMs),
    stop: async () => {
      api.close();
      await stack.stop();
    },
  };
}

async function untilSettled(stack: Stack, timeoutMs = 60_000): Promise<void> {
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
    timeoutMs,
  );
}

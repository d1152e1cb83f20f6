import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '#kit/observability/logger.ts';

/** Work that a service repeats while it runs: a clean-up, a sweep. */
export interface BackgroundWork {
  name: string;
  intervalMs: number;
  work: () => Promise<unknown>;
}

/**
 * Does something again and again in the background: the next time begins `intervalMs` after the last ended. A failure is
 * logged and does not end it.
 * @returns how to stop; resolves when the work in hand is done
 */
export function repeat({ name, intervalMs, work }: BackgroundWork, logger: Logger): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let inHand: Promise<void> = Promise.resolve();

  async function once(): Promise<void> {
    try {
      await work();
    } catch (error) {
      logger.warn({ err: error, work: name }, 'background work failed');
    }
    schedule();
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      inHand = once();
    }, intervalMs);
  }

  schedule();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await inHand;
  };
}

/** Resolves after the time, or at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

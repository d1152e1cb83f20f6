import { OxoError } from '#kit/errors.ts';

/** Runs work, so many at a time; a bounded number waits. */
export type Limiter = <Result>(work: () => Promise<Result>, by?: Asker) => Promise<Result>;

/** For whom the work is done. */
export interface Asker {
  /** Those of one network take turns with all others, however many they are; empty when unknown. */
  network?: string;
  signal?: AbortSignal;
}

interface Waiting {
  start(): void;
  refuse(error: OxoError): void;
}

const RETRY_AFTER_MS = 1_000;

/**
 * Networks take turns, and within one whoever came first. When too many wait, the network that holds the most places gives one
 * up for a network that holds fewer: a flood from one place slows down nobody but itself.
 * @throws by the limiter: OxoError UNAVAILABLE when too many wait already, or others need the place more; the signal's reason
 *   when it is aborted before the work's turn comes
 */
export function createLimiter(options: { concurrency: number; maxWaiting: number }): Limiter {
  const { concurrency, maxWaiting } = options;
  /** By network; whose turn is next comes first. None is empty. */
  const queues = new Map<string, Waiting[]>();
  let waiting = 0;
  let running = 0;

  function makeRoom(network: string): void {
    const own = queues.get(network)?.length ?? 0;
    const longest = [...queues.values()].reduce((most, queue) => (queue.length > most.length ? queue : most), []);
    if (longest.length <= own + 1) throw tooMany();
    longest.pop()?.refuse(tooMany());
    waiting -= 1;
  }

  function takePlace(network: string): Promise<void> | undefined {
    if (running < concurrency) {
      running += 1;
      return undefined;
    }
    if (waiting >= maxWaiting) makeRoom(network);
    waiting += 1;
    return new Promise((start, refuse) => {
      const queue = queues.get(network);
      if (queue === undefined) queues.set(network, [{ start, refuse }]);
      else queue.push({ start, refuse });
    });
  }

  /** Whoever leaves hands its place over. */
  function leavePlace(): void {
    const next = queues.entries().next().value;
    if (next === undefined) {
      running -= 1;
      return;
    }
    const [network, [first, ...others]] = next;
    queues.delete(network);
    if (others.length > 0) queues.set(network, others);
    waiting -= 1;
    first?.start();
  }

  return async (work, { network = '', signal } = {}) => {
    await takePlace(network);
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      leavePlace();
    }
  };
}

function tooMany(): OxoError {
  return new OxoError('UNAVAILABLE', 'Too many people sign in at once. Try again in a moment.', {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

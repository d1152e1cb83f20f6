import type { OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import { BATCH_ROWS, type BatchPublisher } from '#kit/events/outbox/relay-batch.ts';
import type { Link } from '#kit/events/outbox/relay-link.ts';
import { createSleeper } from '#kit/events/outbox/sleeper.ts';

/** Before another attempt at what has failed. */
export const RETRY_MS = 250;
/**
 * From the end of a sweep to the next that was wished for meanwhile. Each replica wishes for one every few milliseconds, and whoever may
 * send notifications as often as they like: the events in the queue must have their turn.
 */
const WISHED_SWEEP_GAP_MS = 3;
/** Events that wait in memory; what comes beyond them is read from the table. */
const MAX_QUEUED = 1_024;

/** What the leading relay publishes next: the events it was given, and in sweeps what else is in the table. */
export interface RelayQueue {
  /** Takes over events whose effects are done. */
  add(events: readonly OutgoingEvent[]): void;
  /** Something is in the table that nobody has told: it is looked for at once, or a moment after the last look. */
  sweepSoon(): void;
  /** Ends the waiting of `publishUntil`. */
  interrupt(): void;
  /** Publishes until `isOver`. Begins with the table. */
  publishUntil(isOver: () => boolean, link: Link): Promise<void>;
}

/** @param pollMs between sweeps that nobody asks for */
export function createRelayQueue(batches: BatchPublisher, pollMs: number): RelayQueue {
  const sleeper = createSleeper();
  /** By version. */
  const queue = new Map<number, OutgoingEvent>();
  /** More is in the table than in the queue: the table alone counts until it has been emptied once. */
  let isBehind = true;
  let nextSweepAtMs = 0;
  let isSweepWished = false;
  let sweptAtMs = Number.NEGATIVE_INFINITY;

  function untilSweepMs(): number {
    const atMs = isSweepWished ? Math.min(nextSweepAtMs, sweptAtMs + WISHED_SWEEP_GAP_MS) : nextSweepAtMs;
    return atMs - performance.now();
  }

  /** What was wished for before is part of it. */
  function retryLater(): void {
    isSweepWished = false;
    nextSweepAtMs = performance.now() + RETRY_MS;
  }

  function fallBehind(): void {
    isBehind = true;
    for (const { eventId } of queue.values()) batches.settled(eventId);
    queue.clear();
  }

  async function publishQueued(link: Link): Promise<void> {
    const events = [...queue.values()].slice(0, BATCH_ROWS);
    const isPublished = await batches.publish(link, events);
    if (!isPublished) {
      fallBehind();
      retryLater();
    }
    for (const { version } of events) queue.delete(version);
  }

  async function sweep(link: Link): Promise<void> {
    nextSweepAtMs = performance.now() + pollMs;
    isSweepWished = false;
    // What is committed from now on may be too late for this look into the table, and goes into the queue.
    isBehind = false;
    const { isFull, ready, published } = await batches.sweep(link, (version) => queue.has(version));
    if (published < ready || isFull) fallBehind();
    sweptAtMs = performance.now();
    if (published < ready) retryLater();
    else if (isBehind) nextSweepAtMs = 0;
  }

  return {
    add(events) {
      if (!isBehind && queue.size + events.length > MAX_QUEUED) fallBehind();
      for (const event of events) {
        if (isBehind) batches.settled(event.eventId);
        else queue.set(event.version, event);
      }
      sleeper.wake();
    },
    sweepSoon() {
      isSweepWished = true;
      sleeper.wake();
    },
    interrupt: sleeper.interrupt,
    async publishUntil(isOver, link) {
      fallBehind();
      nextSweepAtMs = 0;
      try {
        while (!isOver()) {
          sleeper.reset();
          const restMs = untilSweepMs();
          if (restMs <= 0 || batches.deletable() >= BATCH_ROWS) {
            await sweep(link);
            // However slow sweeps are and however often they are due: after each the queue has its turn.
            if (queue.size > 0 && !isOver()) await publishQueued(link);
          } else if (isBehind) await sleeper.rest(restMs);
          else if (queue.size > 0) await publishQueued(link);
          else await sleeper.sleep(restMs);
        }
      } finally {
        fallBehind();
      }
    },
  };
}

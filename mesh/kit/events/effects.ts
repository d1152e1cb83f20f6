import type { Clock } from '#kit/clock.ts';
import type { OutgoingEvent } from '#kit/events/publisher.ts';
import type { Logger } from '#kit/logger.ts';

/**
 * Work that must follow a commit, such as writing a read model. It is idempotent and reads the present state, because a kill
 * between the commit and the answer lets the relay repeat it later.
 */
export type Effect = (event: OutgoingEvent) => Promise<void>;

/**
 * Sees to it that the effect of every committed event is done: at once by the request that wrote the event, and by the relay
 * before it publishes the event when the request could not, be it killed or Redis away.
 */
export interface Effects {
  /**
   * Writes state and events, then does their effect, before the request is answered. An effect that fails is logged and left
   * to the relay: what is committed is committed.
   * @param write tells `expect` the id of each event before it writes it
   * @param effect gets what `write` gave; undefined when there is nothing to do
   */
  after<Result>(
    write: (expect: (eventId: string) => void) => Promise<Result>,
    effect: (result: Result) => Promise<unknown> | undefined,
  ): Promise<Result>;
  /** For the relay: resolves when the effect of the event is done, by whomever. */
  settle(event: OutgoingEvent): Promise<void>;
}

/** The relay asks within moments; when another replica's relay leads, nobody asks, and the entry is dropped. */
const KEEP_MS = 30_000;

interface Pending {
  done: Promise<boolean>;
  sinceMs: number;
}

/** @param effects what the relay does for an event whose request did not, by subject */
export function createEffects(effects: Readonly<Record<string, Effect>>, clock: Clock, logger: Logger): Effects {
  /** Whether the request did the effect, by event id. Entries live from before the write until the relay has asked. */
  const pending = new Map<string, Pending>();

  function dropOld(nowMs: number): void {
    for (const [eventId, entry] of pending) {
      if (entry.sinceMs > nowMs - KEEP_MS) return;
      pending.delete(eventId);
    }
  }

  async function succeeds(effect: Promise<unknown> | undefined): Promise<boolean> {
    try {
      await effect;
      return true;
    } catch (error) {
      logger.warn({ err: error }, 'the effect of a commit failed and is left to the relay');
      return false;
    }
  }

  return {
    async after(write, effect) {
      const { promise: done, resolve } = Promise.withResolvers<boolean>();
      const sinceMs = clock.nowMs();
      dropOld(sinceMs);
      try {
        const result = await write((eventId) => pending.set(eventId, { done, sinceMs }));
        resolve(await succeeds(effect(result)));
        return result;
      } finally {
        resolve(false);
      }
    },
    async settle(event) {
      const done = await pending.get(event.eventId)?.done;
      pending.delete(event.eventId);
      if (!done) await effects[event.subject]?.(event);
    },
  };
}

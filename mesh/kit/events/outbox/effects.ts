import type { EventDefinition } from '#kit/events/envelope.ts';
import type { OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';

/**
 * What the relay does for an event whose request did not do its work, such as writing a read model. Its event's type is
 * erased; `effect` makes it.
 */
export interface Effect {
  readonly subject: string;
  /** Decodes the payload and does the work. */
  repeat(event: OutgoingEvent): Promise<void>;
}

/**
 * The work that must follow the commit of this event. It is idempotent and reads the present state, because a kill between the
 * commit and the answer lets the relay repeat it later.
 * @example `effect(postUpdated, ({ post }) => …)`
 */
export function effect<T>(
  definition: EventDefinition<T>,
  repeat: (payload: T, event: OutgoingEvent) => Promise<void>,
): Effect {
  return {
    subject: definition.subject,
    repeat: (event) => repeat(definition.type.decode(event.payload), event),
  };
}

/**
 * Sees to it that the effect of every committed event is done: at once by the request that wrote the event, and by the relay
 * before it publishes the event when the request could not, be it killed or Redis away.
 */
export interface Effects {
  /**
   * Adds what the relay does for events whose request did not; an event without an effect needs nothing. Before the relay starts.
   * @throws Error when two effects want the same subject
   */
  add(effects: readonly Effect[]): void;
  /**
   * Writes state and events, then does their effect, before the request is answered. An effect that fails is logged and left
   * to the relay: what is committed is committed.
   * @param write tells `expect` the id of each event before it writes it
   * @param effect gets what `write` gave; undefined when there is nothing to do
   * @returns what `write` gave, and whether the effect is done
   */
  after<Result>(
    write: (expect: (eventId: string) => void) => Promise<Result>,
    effect: (result: Result) => Promise<unknown> | undefined,
  ): Promise<{ result: Result; done: boolean }>;
  /** Whether a request of this process is at it: it will give the event to the relay itself. */
  isUnderWay(eventId: string): boolean;
  /** For the relay: does the effect of an event whose request did not. */
  repeat(event: OutgoingEvent): Promise<void>;
}

/** @param effects as for `add` */
export function createEffects(effects: readonly Effect[], logger: Logger): Effects {
  const bySubject = new Map<string, Effect>();
  /** Events whose requests are between their write and the end of their effect. */
  const underWay = new Set<string>();
  const warn = warnSeldom(logger);
  add(effects);

  function add(more: readonly Effect[]): void {
    for (const effect of more) {
      if (bySubject.has(effect.subject)) throw new Error(`two effects have the same subject ${effect.subject}`);
      bySubject.set(effect.subject, effect);
    }
  }

  async function succeeds(effect: Promise<unknown> | undefined): Promise<boolean> {
    try {
      await effect;
      return true;
    } catch (error) {
      warn({ err: error }, 'the effect of a commit failed and is left to the relay');
      return false;
    }
  }

  return {
    add,
    async after(write, effect) {
      const eventIds: string[] = [];
      try {
        const result = await write((eventId) => {
          eventIds.push(eventId);
          underWay.add(eventId);
        });
        return { result, done: await succeeds(effect(result)) };
      } finally {
        for (const eventId of eventIds) underWay.delete(eventId);
      }
    },
    isUnderWay: (eventId) => underWay.has(eventId),
    async repeat(event) {
      await bySubject.get(event.subject)?.repeat(event);
    },
  };
}

/**
 * What a consumer does with each event: a table of handlers by subject.
 */
import type { Clock } from '#kit/clock.ts';
import type { EventDefinition, EventMetadata } from '#kit/events/envelope.ts';

export interface HandlerContext {
  /** Tells the server that the work goes on: the time limit of the handler begins again. */
  working(): void;
  /** Aborted when the handler has run out of time: its event will be delivered again, perhaps elsewhere. */
  readonly signal: AbortSignal;
}

/** An error that another delivery would not cure: the event becomes a dead letter at once. */
export class PermanentError extends Error {
  override name = 'PermanentError';
}

/** A handler with its event's type erased; `on` makes it. */
export interface EventHandler {
  readonly subject: string;
  /** Decodes the payload and gives what handles it. Throws when the payload cannot be decoded. */
  prepare(payload: Uint8Array): (metadata: EventMetadata, context: HandlerContext) => Promise<void> | void;
}

/** It is too early for this event: it is delivered again after the delay, and nothing has failed. */
export class NotYet extends Error {
  override name = 'NotYet';
  readonly delayMs: number;

  constructor(delayMs: number) {
    super(`due in ${delayMs} ms`);
    this.delayMs = delayMs;
  }
}

/** @throws NotYet before this time, in milliseconds since the epoch */
export function notBefore(timeMs: number, clock: Clock): void {
  const delayMs = timeMs - clock.nowMs();
  if (delayMs > 0) throw new NotYet(delayMs);
}

/**
 * Handles the events of one definition. The handler may see an event more than once and events out of order.
 * @example `on(postCreated, async (event, { id, version }) => …)`
 */
export function on<T>(
  definition: EventDefinition<T>,
  handle: (event: T, metadata: EventMetadata, context: HandlerContext) => Promise<void> | void,
): EventHandler {
  return {
    subject: definition.subject,
    prepare: (payload) => {
      const event = definition.type.decode(payload);
      return (metadata, context) => handle(event, metadata, context);
    },
  };
}

/** @throws Error when two handlers want the same subject. */
export function handlersBySubject(handlers: readonly EventHandler[]): ReadonlyMap<string, EventHandler> {
  const bySubject = new Map(handlers.map((handler) => [handler.subject, handler]));
  if (bySubject.size !== handlers.length) throw new Error('two handlers of a consumer have the same subject');
  return bySubject;
}

/** Acknowledgements, gathered: one write to the socket for all events of one turn of the event loop. A write costs more than handling many an event. */
import type { JsMsg } from '@nats-io/jetstream';

export interface Acknowledger {
  /** The acknowledgement is sent in the next turn. A crash before that has the event delivered again. */
  acknowledge(message: JsMsg): void;
  /** Sends what waits now. */
  flush(): void;
}

/** @param onError is told when the connection is closed, and the events will be delivered again. */
export function createAcknowledger(onError: (error: unknown) => void): Acknowledger {
  let waiting: JsMsg[] = [];
  function flush(): void {
    const messages = waiting;
    waiting = [];
    try {
      // In one go: the client writes when it gets control again.
      for (const message of messages) message.ack();
    } catch (error) {
      onError(error);
    }
  }
  return {
    acknowledge(message) {
      if (waiting.push(message) === 1) setImmediate(flush);
    },
    flush,
  };
}

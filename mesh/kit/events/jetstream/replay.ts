/**
 * Events that an operator has delivered to one consumer again. They are published a second time under a subject that only this
 * consumer reads and only an administrator may publish: `replay.<consumer>.<subject>`. Headers and payload stay as they were, so
 * whatever guards the consumer against a second delivery guards it here.
 */
import { type JetStreamClient, type JsMsg, jetstream, type PubAck, type StoredMsg } from '@nats-io/jetstream';
import { headers as createHeaders, type NatsConnection } from '@nats-io/transport-node';

/** What the stream of events keeps besides what services publish. */
export const REPLAY_SUBJECTS = 'replay.>';

const REPLAY = /^replay\.[\w-]+\./;
const TIMEOUT_MS = 5_000;

/** The subject by which an event reaches this consumer and no other. */
export function replaySubject(consumer: string, subject: string): string {
  return `replay.${consumer}.${subject}`;
}

/** The subject that an event was published on first. */
export function originalSubject(subject: string): string {
  return subject.replace(REPLAY, '');
}

/** A stored event, whether it was fetched by its number or delivered. */
export type StoredEvent = Pick<StoredMsg, 'subject' | 'header' | 'data'> | JsMsg;

export interface Replayer {
  /**
   * Publishes the event again for this consumer alone; resolves when the stream has stored it.
   * @param key of two replays with the same key within two minutes the second is not stored, which counts as success
   * @throws when NATS is away, or when the stream takes no such subject
   */
  replay(event: StoredEvent, consumer: string, key: string): Promise<PubAck>;
}

/** @param connection an administrator's */
export function createReplayer(connection: NatsConnection, stream: string): Replayer {
  const js: JetStreamClient = jetstream(connection, { timeout: TIMEOUT_MS });
  return {
    replay: (event, consumer, key) =>
      js.publish(replaySubject(consumer, originalSubject(event.subject)), event.data, {
        headers: eventHeaders(event),
        msgID: `replay:${key}`,
        expect: { streamName: stream },
      }),
  };
}

/** Without what concerns only the first time: the server's own headers (`Nats-…`), by which a copy would be refused. */
function eventHeaders(event: StoredEvent): ReturnType<typeof createHeaders> {
  const source = 'header' in event ? event.header : event.headers;
  const copy = createHeaders();
  for (const name of source?.keys() ?? []) {
    if (name.startsWith('Nats-')) continue;
    for (const value of source?.values(name) ?? []) copy.append(name, value);
  }
  return copy;
}

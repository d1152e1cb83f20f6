/**
 * Events that a consumer gave up. The server tells of each in an advisory, which the stream DEAD_LETTERS keeps; the event itself
 * stays in its own stream until it expires there.
 */
import { type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DEAD_LETTERS_STREAM } from '#kit/events/streams.ts';

export interface DeadLetter {
  /** Sequence number in DEAD_LETTERS. */
  id: number;
  /** When it was given up. */
  time: Date;
  consumer: string;
  deliveries: number;
  reason: string;
  stream: string;
  streamSequence: number;
  /** What follows is absent when the event has expired. */
  subject?: string;
  eventId?: string;
  event?: StoredMsg;
}

/** What the server writes; of a message that ran out of deliveries it gives no reason. */
interface Advisory {
  timestamp: string;
  stream: string;
  consumer: string;
  stream_seq: number;
  deliveries: number;
  reason?: string;
}

/**
 * The newest dead letters, newest first. Needs an administrator's connection.
 * @param limit at most this many of the last `limit` entries of the stream, 1 to 1,000
 */
export async function listDeadLetters(connection: NatsConnection, limit: number): Promise<DeadLetter[]> {
  const count = Math.max(1, Math.min(limit, 1_000));
  const manager = await jetstreamManager(connection);
  const { first_seq, last_seq } = (await manager.streams.info(DEAD_LETTERS_STREAM)).state;
  const letters: DeadLetter[] = [];
  for (let id = last_seq; id >= first_seq && id > last_seq - count && id > 0; id--) {
    const letter = await readDeadLetter(manager, id);
    if (letter !== undefined) letters.push(letter);
  }
  return letters;
}

async function readDeadLetter(manager: JetStreamManager, id: number): Promise<DeadLetter | undefined> {
  const message = await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq: id });
  if (message === null) return undefined;
  const advisory = message.json<Advisory>();
  const event = (await manager.streams.getMessage(advisory.stream, { seq: advisory.stream_seq })) ?? undefined;
  return {
    id,
    time: new Date(advisory.timestamp),
    consumer: advisory.consumer,
    deliveries: advisory.deliveries,
    reason: advisory.reason ?? 'no answer to the last delivery',
    stream: advisory.stream,
    streamSequence: advisory.stream_seq,
    subject: event?.subject,
    eventId: event?.header.get('ce-id') || undefined,
    event,
  };
}

/**
 * Events that a consumer gave up. The server tells of each in an advisory, which the stream DEAD_LETTERS keeps; the event itself
 * stays in its own stream until it expires there.
 */
import {
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type MsgRequest,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { createReplayer, originalSubject, replaySubject } from '#kit/events/jetstream/replay.ts';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';

export interface DeadLetter {
  /** Sequence number in DEAD_LETTERS. */
  id: number;
  /** The advisory's own, which no other letter ever has. */
  advisoryId: string;
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
  id: string;
  timestamp: string;
  stream: string;
  consumer: string;
  stream_seq: number;
  deliveries: number;
  reason?: string;
}

/**
 * The newest dead letters, newest first. Needs an administrator's connection.
 * @param limit 1 to 1,000
 * @param consumer only what this one gave up
 */
export async function listDeadLetters(
  connection: NatsConnection,
  limit: number,
  consumer?: string,
): Promise<DeadLetter[]> {
  const count = Math.max(1, Math.min(limit, 1_000));
  const manager = await managerOf(connection);
  const { state } = await manager.streams.info(DEAD_LETTERS_STREAM, { deleted_details: true });
  const gone = new Set(state.deleted);
  const letters: DeadLetter[] = [];
  for (let id = state.last_seq; id >= state.first_seq && id > 0 && letters.length < count; id--) {
    if (gone.has(id)) continue;
    const advisory = await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq: id });
    if (advisory === null || (consumer !== undefined && !advisory.subject.endsWith(`.${consumer}`))) continue;
    letters.push(await toDeadLetter(manager, advisory));
  }
  return letters;
}

/** @returns undefined when there is none of this id any more */
export async function findDeadLetter(connection: NatsConnection, id: number): Promise<DeadLetter | undefined> {
  const manager = await managerOf(connection);
  const advisory = await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq: id });
  return advisory === null ? undefined : toDeadLetter(manager, advisory);
}

/**
 * All that there are when it begins, oldest first; those that come meanwhile are left out.
 * @param consumer only what this one gave up
 */
export async function* readDeadLetters(connection: NatsConnection, consumer?: string): AsyncGenerator<DeadLetter> {
  const manager = await managerOf(connection);
  const { last_seq } = (await manager.streams.info(DEAD_LETTERS_STREAM)).state;
  const next_by_subj = `$JS.EVENT.ADVISORY.CONSUMER.*.${EVENTS_STREAM}.${consumer ?? '*'}`;
  for (let seq = 1; seq <= last_seq; seq++) {
    // The first from there on; the server knows the field, the client's types do not.
    const query: MsgRequest = Object.assign({ seq }, { next_by_subj });
    const advisory = await manager.streams.getMessage(DEAD_LETTERS_STREAM, query);
    if (advisory === null || advisory.seq > last_seq) return;
    seq = advisory.seq;
    yield await toDeadLetter(manager, advisory);
  }
}

/**
 * Has the event delivered again to the consumer that gave it up, and to no other. The letter goes once the stream has stored the event: when
 * this process dies in between, the letter is still there, and the consumer gets the event twice at most.
 * @throws NotReplayableError, or what NATS says
 */
export async function replayDeadLetter(connection: NatsConnection, letter: DeadLetter): Promise<void> {
  const { event, consumer, advisoryId } = letter;
  if (event === undefined) throw new NotReplayableError('its event has expired');
  const manager = await managerOf(connection);
  await requireReader(manager, letter.stream, consumer, originalSubject(event.subject));
  await createReplayer(connection, letter.stream).replay(event, consumer, advisoryId);
  await manager.streams.deleteMessage(DEAD_LETTERS_STREAM, letter.id, false);
}

/** @returns false when somebody else was quicker */
export async function dropDeadLetter(connection: NatsConnection, { id }: Pick<DeadLetter, 'id'>): Promise<boolean> {
  const manager = await managerOf(connection);
  if ((await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq: id })) === null) return false;
  return manager.streams.deleteMessage(DEAD_LETTERS_STREAM, id, false);
}

/** The letter can only be dropped; the message says why. */
export class NotReplayableError extends Error {
  override name = 'NotReplayableError';
}

/** @throws NotReplayableError when nobody would get what is replayed for this consumer */
export async function requireReader(
  manager: JetStreamManager,
  stream: string,
  consumer: string,
  subject: string,
): Promise<void> {
  try {
    const { filter_subject, filter_subjects = [] } = (await manager.consumers.info(stream, consumer)).config;
    if ([filter_subject, ...filter_subjects].includes(replaySubject(consumer, subject))) return;
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.status === 404)) throw error;
    throw new NotReplayableError(`there is no consumer ${consumer} any more`);
  }
  throw new NotReplayableError(`consumer ${consumer} does not read ${subject} any more`);
}

function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(connection, { checkAPI: false });
}

async function toDeadLetter(manager: JetStreamManager, message: StoredMsg): Promise<DeadLetter> {
  const advisory = message.json<Advisory>();
  const event = (await manager.streams.getMessage(advisory.stream, { seq: advisory.stream_seq })) ?? undefined;
  return {
    id: message.seq,
    advisoryId: advisory.id,
    time: new Date(advisory.timestamp),
    consumer: advisory.consumer,
    deliveries: advisory.deliveries,
    reason: advisory.reason ?? 'no answer to the last delivery',
    stream: advisory.stream,
    streamSequence: advisory.stream_seq,
    subject: event === undefined ? undefined : originalSubject(event.subject),
    eventId: event?.header.get('ce-id') || undefined,
    event,
  };
}

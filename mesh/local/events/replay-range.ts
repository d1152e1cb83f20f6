import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type JetStreamManager, type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { NotReplayableError, requireReader } from '#kit/events/consumers/dead-letters.ts';
import type { Durable } from '#kit/events/consumers/durables.ts';
import { createReplayer } from '#kit/events/jetstream/replay.ts';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { readBatches } from './stored-events.ts';

export type Range = {
  /** By the time at which the stream stored an event. */
  readonly since: Date;
  readonly until: Date | undefined;
  /** The service that the events come from; undefined: any. */
  readonly source: string | undefined;
};

export type ReplayOptions = {
  /** Deliveries a second at most. */
  readonly rate: number;
  /** Counts, and publishes nothing. */
  readonly dryRun: boolean;
  /** Ends it after the events in hand. */
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, at: Date) => void;
  /** How long consumers that get no further are waited for; default 60,000. */
  readonly patienceMs?: number;
};

export type ReplayResult = {
  readonly events: number;
  /** Deliveries by consumer. */
  readonly consumers: ReadonlyMap<string, number>;
  /** The time of the oldest event that is left, when `since` reaches behind it. */
  readonly expiredBefore: Date | undefined;
  /** From where to go on, when it was interrupted. */
  readonly resumeAt: Date | undefined;
  /** Events that the consumers have not handled yet, although they were waited for. */
  readonly behind: number;
  readonly newDeadLetters: number;
};

/** Events of the present wait behind what a consumer has been given: so it is given little at a time. */
const maxBehind = 500;
const pollMs = 50;
/** What is published at once is what the rate allows in this time, so that there are no bursts and an end is soon. */
const paceMs = 100;
const maxAtOnce = 100;
const defaultPatienceMs = 60_000;

/**
 * Publishes the events of a range again, in order, for each of these consumers that reads them. What is published meanwhile is left out.
 * @throws CliError that says from where to go on
 */
export async function replayRange(
  connection: NatsConnection,
  durables: readonly Durable[],
  range: Range,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const manager = await jetstreamManager(connection);
  for (const durable of durables) await requireReplays(manager, durable);
  const { state } = await manager.streams.info(EVENTS_STREAM);
  const lettersBefore = await countDeadLetters(manager);
  const deliver = options.dryRun ? undefined : createDelivery(connection, manager, durables, options);
  const consumers = new Map<string, number>();
  let events = 0;
  let at = range.since;
  const subjects = [...new Set(durables.flatMap((durable) => durable.subjects))];
  try {
    for await (const batch of inPortions(readBatches(connection, subjects, range, state.last_seq), options.rate)) {
      const pairs = pairsOf(batch, durables);
      await deliver?.(pairs);
      events += batch.length;
      for (const { name } of pairs) consumers.set(name, (consumers.get(name) ?? 0) + 1);
      at = batch.at(-1)?.time ?? at;
      options.onProgress?.(events, at);
      if (options.signal.aborted) break;
    }
  } catch (error) {
    throw new CliError(`stopped after ${events} events: ${messageOf(error)}`, {
      advice: [`When that is mended, --since ${at.toISOString()} goes on.`],
      cause: error,
    });
  }
  const waits = deliver !== undefined && events > 0 && !options.signal.aborted;
  return {
    ...{ events, consumers },
    expiredBefore: state.first_seq > 1 && new Date(state.first_ts) > range.since ? new Date(state.first_ts) : undefined,
    resumeAt: options.signal.aborted ? at : undefined,
    behind: waits ? await waitFor(manager, durables, 0, options) : 0,
    newDeadLetters: Math.max(0, (await countDeadLetters(manager)) - lettersBefore),
  };
}

type Pair = { readonly event: JsMsg; readonly name: string };

function pairsOf(events: readonly JsMsg[], durables: readonly Durable[]): Pair[] {
  return events.flatMap((event) =>
    durables.filter(({ subjects }) => subjects.includes(event.subject)).map(({ name }) => ({ event, name })),
  );
}

async function* inPortions(batches: AsyncIterable<readonly JsMsg[]>, rate: number): AsyncGenerator<readonly JsMsg[]> {
  const size = Math.min(maxAtOnce, Math.max(1, Math.floor((rate * paceMs) / 1_000)));
  for await (const batch of batches) {
    for (let from = 0; from < batch.length; from += size) yield batch.slice(from, from + size);
  }
}

/** Publishes a few events: not faster than the rate, and not while a consumer is behind. */
function createDelivery(
  connection: NatsConnection,
  manager: JetStreamManager,
  durables: readonly Durable[],
  options: ReplayOptions,
): (pairs: readonly Pair[]) => Promise<void> {
  const replayer = createReplayer(connection, EVENTS_STREAM);
  // Another run must deliver again what this one did.
  const runId = randomBytes(8).toString('hex');
  let dueMs = performance.now();
  return async (pairs) => {
    const behind = await waitFor(manager, durables, maxBehind, options);
    if (behind > maxBehind) throw new Error(`the consumers get no further, ${behind} events wait for them`);
    await Promise.all(pairs.map(({ event, name }) => replayer.replay(event, name, `${runId}:${name}:${event.seq}`)));
    // Time that was spent waiting is not made up for.
    dueMs = Math.max(dueMs, performance.now()) + (pairs.length / options.rate) * 1_000;
    // Rejects only when it is interrupted, which the caller sees.
    await delay(dueMs - performance.now(), undefined, { signal: options.signal }).catch(() => {});
  };
}

/** Waits until no more than `limit` events wait for the consumers, as long as they become fewer. @returns how many wait */
async function waitFor(
  manager: JetStreamManager,
  durables: readonly Durable[],
  limit: number,
  { patienceMs = defaultPatienceMs, signal }: ReplayOptions,
): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  let deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const behind = await countBehind(manager, durables);
    if (behind <= limit || signal.aborted || performance.now() > deadlineMs) return behind;
    if (behind < fewest) deadlineMs = performance.now() + patienceMs;
    fewest = Math.min(fewest, behind);
    await delay(pollMs);
  }
}

/** Of the consumer that has the most before it. */
async function countBehind(manager: JetStreamManager, durables: readonly Durable[]): Promise<number> {
  const infos = await Promise.all(durables.map(({ stream, name }) => manager.consumers.info(stream, name)));
  return Math.max(0, ...infos.map((info) => info.num_pending + info.num_ack_pending));
}

async function countDeadLetters(manager: JetStreamManager): Promise<number> {
  return (await manager.streams.info(DEAD_LETTERS_STREAM)).state.messages;
}

/** A stack that was set up before there were replays would store them and deliver them to nobody. */
async function requireReplays(manager: JetStreamManager, { stream, name, subjects }: Durable): Promise<void> {
  try {
    for (const subject of subjects) await requireReader(manager, stream, name, subject);
  } catch (error) {
    if (!(error instanceof NotReplayableError)) throw error;
    throw new CliError(error.message, {
      advice: ['./oxo migrate brings streams and consumers up to date'],
      cause: error,
    });
  }
}

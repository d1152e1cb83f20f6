/**
 * Durable consumers, as data that both the service and the administrator's tools read.
 *
 * Only an administrator makes them. Whoever may make a consumer may name the subject that it delivers to, and so write to any stream
 * in any service's name; a service may only read its own consumers.
 */
import {
  type ConsumerConfig,
  type ConsumerInfo,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { DEFAULT_MAX_DELIVER } from '#kit/events/consumers/backoff.ts';
import { replaySubject } from '#kit/events/jetstream/replay.ts';
import { differs, EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';

export interface DurableDefinition {
  /** Name on the stream, `<service>-<work>`. Letters, digits and dashes. */
  name: string;
  /** Subjects of the events it gets. */
  subjects: readonly string[];
  /** Default EVENTS. */
  stream?: string;
  /** Events delivered and not acknowledged, all replicas together; default 256. Events that wait for another try count. */
  maxAckPending?: number;
  /** Tries before an event becomes a dead letter; default 20. */
  maxDeliver?: number;
  /** Time for one try before the event is delivered again; default 30,000. */
  ackWaitMs?: number;
}

/** The definition with all defaults in place. */
export type Durable = Required<DurableDefinition>;

/** @throws Error when the name has other signs than letters, digits, "_" and "-" */
export function defineDurable(definition: DurableDefinition): Durable {
  if (!/^[\w-]+$/.test(definition.name)) throw new Error(`"${definition.name}" cannot be the name of a consumer`);
  return {
    stream: EVENTS_STREAM,
    maxAckPending: 256,
    maxDeliver: DEFAULT_MAX_DELIVER,
    ackWaitMs: 30_000,
    ...definition,
  };
}

/** Makes the consumers, or changes them to what is defined, and lets go on what was paused; a new one begins with the oldest event. Needs an administrator's connection. */
export async function ensureDurables(connection: NatsConnection, durables: readonly Durable[]): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const durable of durables) await ensureDurable(manager, durable);
}

async function ensureDurable(manager: JetStreamManager, durable: Durable): Promise<void> {
  const desired = toConfig(durable);
  const existing = await findConsumer(manager, durable);
  if (existing === undefined) {
    await manager.consumers.add(durable.stream, desired);
    return;
  }
  if (differs(withFilterList(existing.config), desired)) {
    await manager.consumers.update(durable.stream, durable.name, desired);
  }
  if (existing.paused === true) await manager.consumers.resume(durable.stream, durable.name);
}

/** Whether a consumer is what its definition asks for. */
export function isAsDefined(existing: ConsumerConfig, durable: Durable): boolean {
  return !differs(withFilterList(existing), toConfig(durable));
}

function toConfig(durable: Durable): Partial<ConsumerConfig> {
  return {
    durable_name: durable.name,
    filter_subjects: [...durable.subjects, ...durable.subjects.map((subject) => replaySubject(durable.name, subject))],
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: nanos(durable.ackWaitMs),
    max_deliver: durable.maxDeliver,
    max_ack_pending: durable.maxAckPending,
  };
}

async function findConsumer(manager: JetStreamManager, durable: Durable): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(durable.stream, durable.name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** The server answers with one filter in another field than with several. */
function withFilterList(config: ConsumerConfig): ConsumerConfig {
  return config.filter_subject === undefined ? config : { ...config, filter_subjects: [config.filter_subject] };
}

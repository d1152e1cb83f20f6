/**
 * The streams, as data, and how an administrator makes them. Services have no permission for it.
 */
import { JetStreamApiError, type JetStreamManager, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { REPLAY_SUBJECTS } from '#kit/events/jetstream/replay.ts';

export const EVENTS_STREAM = 'EVENTS';
export const REVOCATIONS_STREAM = 'REVOCATIONS';
export const DEAD_LETTERS_STREAM = 'DEAD_LETTERS';

/** Days that EVENTS keeps an event. An inbox must remember for longer. */
export const EVENTS_RETENTION_DAYS = 14;

export interface StreamDefinition {
  name: string;
  description: string;
  subjects: readonly string[];
  maxAgeMs: number;
  /** Every process reads it: each stored message is also sent to `broadcastSubject(name)`, and may be read directly. */
  broadcast: boolean;
}

export const STREAMS: readonly StreamDefinition[] = [
  {
    name: EVENTS_STREAM,
    description: 'What happened; read by durable consumers',
    subjects: ['post.>', 'comment.>', 'like.>', 'repost.>', 'user.>', 'media.>', 'mail.>', REPLAY_SUBJECTS],
    maxAgeMs: EVENTS_RETENTION_DAYS * DAY_MS,
    broadcast: false,
  },
  {
    name: REVOCATIONS_STREAM,
    description: 'What every process must refuse from now on; kept longer than a token lives',
    subjects: ['session.revoked', 'key.rotated', 'api_key.revoked', 'account.disabled'],
    maxAgeMs: 20 * MINUTE_MS,
    broadcast: true,
  },
  {
    name: DEAD_LETTERS_STREAM,
    description: 'Advisories about events that a consumer gave up',
    subjects: [
      `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${EVENTS_STREAM}.>`,
      `$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${EVENTS_STREAM}.>`,
    ],
    maxAgeMs: 30 * DAY_MS,
    broadcast: false,
  },
];

/** Where the messages of a broadcast stream are sent once they are stored. */
export function broadcastSubject(stream: string): string {
  return `broadcast.${stream}.>`;
}

export interface StreamSettings {
  /** Copies in a cluster, 1 to 5; default 1. */
  replicas?: number;
  /** Bytes a stream may take on disk; the oldest messages go first. Default no limit. */
  maxBytes?: number;
}

/** Makes the streams, or changes them to what is defined here; does nothing when they are so already. Needs an administrator's connection. */
export async function ensureStreams(
  connection: NatsConnection,
  settings: StreamSettings = {},
  definitions: readonly StreamDefinition[] = STREAMS,
): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const definition of definitions) await ensureStream(manager, toConfig(definition, settings));
}

type DesiredConfig = Partial<StreamConfig> & { name: string };

function toConfig(definition: StreamDefinition, settings: StreamSettings): DesiredConfig {
  return {
    name: definition.name,
    description: definition.description,
    subjects: [...definition.subjects],
    storage: 'file',
    retention: 'limits',
    discard: 'old',
    max_age: nanos(definition.maxAgeMs),
    max_bytes: settings.maxBytes ?? -1,
    num_replicas: settings.replicas ?? 1,
    duplicate_window: nanos(2 * MINUTE_MS),
    allow_direct: definition.broadcast,
    ...(definition.broadcast ? { republish: { src: '>', dest: broadcastSubject(definition.name) } } : {}),
  };
}

async function ensureStream(manager: JetStreamManager, desired: DesiredConfig): Promise<void> {
  const existing = await findStream(manager, desired.name);
  if (existing === undefined) {
    await manager.streams.add(desired);
  } else if (differs(existing, desired)) {
    await manager.streams.update(desired.name, { ...existing, ...desired });
  }
}

async function findStream(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether a stream is what its definition asks for; how many copies there are is the installation's business. */
export function isAsDefined(existing: StreamConfig, definition: StreamDefinition): boolean {
  const { num_replicas, max_bytes } = existing;
  return !differs(existing, { ...toConfig(definition, {}), num_replicas, max_bytes });
}

/** Whether a setting that is asked for has another value. What is not asked for is the server's business. */
export function differs(existing: object, desired: object): boolean {
  return Object.entries(desired).some(
    ([key, value]) => JSON.stringify((existing as Record<string, unknown>)[key]) !== JSON.stringify(value),
  );
}

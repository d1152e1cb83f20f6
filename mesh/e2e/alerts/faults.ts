/** What is broken on purpose, which alerts must tell of it, and which may. */
import { jetstreamManager } from '@nats-io/jetstream';
import { DAY_MS, systemClock } from '#kit/clock.ts';
import { dropDeadLetter, listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { connectNats } from '#kit/events/jetstream/nats.ts';
import { EVENTS_STREAM, ensureStreams, REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { quiet } from '#kit/testing/bus.ts';
import { inDatabase } from '../testing/database.ts';
import type { World } from '../testing/world.ts';
import { beginGuessing, causeMails } from './traffic.ts';
import type { Watched } from './watched.ts';

/** An alert, and labels that it must have. */
export type Expected = { readonly alert: string; readonly labels?: Readonly<Record<string, string>> };

export type Fault = {
  readonly fires: readonly Expected[];
  /** Alerts that are true of it as well, if it lasts long enough. */
  readonly mayFire?: readonly string[];
  /** @returns how it is mended */
  readonly cause: (watched: Watched) => Promise<() => Promise<unknown>>;
  /** Its alerts look back, and go on for some time when it is mended. */
  readonly isLate?: boolean;
};

/** A process is stopped, and started again. */
const without =
  (name: string, signal?: NodeJS.Signals): Fault['cause'] =>
  async ({ world }) => {
    const process = world.stack.process(name);
    await process.pause(signal);
    return () => process.resume();
  };

const fanOut = 'feed-fanout';

/** JetStream gives it nothing any more, and it goes on asking. */
const consumerStopped: Fault = {
  fires: [
    { alert: 'ConsumerStopped', labels: { consumer: fanOut } },
    { alert: 'ConsumerLagging', labels: { consumer: fanOut } },
  ],
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    const { consumers } = await jetstreamManager(nats.connection);
    await consumers.pause(EVENTS_STREAM, fanOut, new Date(systemClock.nowMs() + 600_000));
    return async () => {
      await consumers.resume(EVENTS_STREAM, fanOut);
      await nats.close();
    };
  },
};

/** What is no event at all is given up by who reads it: here by one alone. */
const deadLetter: Fault = {
  fires: [{ alert: 'DeadLetters' }],
  isLate: true,
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    const publisher = createPublisher({ nats, source: 'auth', logger: quiet });
    const payload = Buffer.from([0x0a, 0x7f, 0x00]);
    await publisher.publish([
      { eventId: newId(systemClock.nowMs()), version: 1, subject: 'mail.queued', payload, headers: {} },
    ]);
    return async () => {
      for (const letter of await listDeadLetters(nats.connection, 100)) await dropDeadLetter(nats.connection, letter);
      publisher.close();
      await nats.close();
    };
  },
};

const mailAway: Fault = {
  fires: [{ alert: 'MailsFail' }],
  isLate: true,
  cause: async (watched) => {
    const mend = await without('mail')(watched);
    await causeMails(watched.world.api, 4);
    return mend;
  },
};

const limiterAway: Fault = {
  fires: [
    { alert: 'LimiterAway' },
    // It is a Redis as well, and its exporter says so.
    { alert: 'RedisAway' },
    { alert: 'TargetMissing', labels: { job: 'ratelimit' } },
  ],
  isLate: true,
  cause: async (watched) => {
    const mends = [await without('redis-limits')(watched), await without('ratelimit')(watched)];
    return async () => {
      for (const mend of mends) await mend();
    };
  },
};

const diskFullAndSlow: Fault = {
  fires: ['DiskFilling', 'WritesRefusedDiskFull', 'DiskSlow'].map((alert) => ({ alert, labels: { instance: 'disk' } })),
  cause: async ({ disk }) => {
    disk.set({ isFull: true, isSlow: true });
    return async () => disk.set({ isFull: false, isSlow: false });
  },
};

const guesses: Fault = {
  fires: [{ alert: 'SignInFailuresHigh' }],
  cause: async ({ world }) => beginGuessing(world.api).stop,
};

/** Nobody has come to rotate: the key has signed for years, and the one that comes next may not sign yet. */
const keysOld: Fault = {
  fires: [{ alert: 'SigningKeyOld' }, { alert: 'EncryptionKeyOld' }],
  // A process reads them when it starts, and once a minute.
  mayFire: ['ServiceDown'],
  cause: async ({ world }) => {
    const ageing = await ageKeys(world);
    await world.kill('auth');
    return async () => {
      await ageing.undo();
      await world.kill('auth');
    };
  },
};

type Key = { readonly kid: string; readonly created: string; readonly activated: string | null };
type Wrapping = { readonly id: string; readonly used: string };

/** Keys that have been in use for decades. @returns how they get back what stood there */
async function ageKeys({ stack }: World): Promise<{ undo: () => Promise<void> }> {
  const { database } = stack.urls;
  const before = await inDatabase(database, async (client) => {
    const keys = await client.query<Key>(
      'select kid, created_at_ms as created, activated_at_ms as activated from auth.signing_keys',
    );
    const wrapping = await client.query<Wrapping>(
      'select key_id as id, first_used_at_ms as used from auth.encryption_keys',
    );
    const nextYear = systemClock.nowMs() + 365 * DAY_MS;
    await client.query("update auth.signing_keys set activated_at_ms = 1 where state = 'CURRENT'");
    await client.query("update auth.signing_keys set created_at_ms = $1 where state = 'NEXT'", [nextYear]);
    await client.query('update auth.encryption_keys set first_used_at_ms = 1');
    return { keys: keys.rows, wrapping: wrapping.rows };
  });
  const undo = () =>
    inDatabase(database, async (client) => {
      const ofKey = 'update auth.signing_keys set created_at_ms = $2, activated_at_ms = $3 where kid = $1';
      for (const { kid, created, activated } of before.keys) await client.query(ofKey, [kid, created, activated]);
      const ofWrapping = 'update auth.encryption_keys set first_used_at_ms = $2 where key_id = $1';
      for (const { id, used } of before.wrapping) await client.query(ofWrapping, [id, used]);
    });
  return { undo };
}

/** What is no revocation at all is passed over by every process. */
const revocationFails: Fault = {
  fires: ['auth', 'user', 'post', 'feed'].map((job) => ({ alert: 'RevocationsFail', labels: { job } })),
  isLate: true,
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    const publisher = createPublisher({ nats, source: 'auth', logger: quiet });
    const payload = Buffer.from([0x0a, 0x7f, 0x00]);
    await publisher.publish([
      { eventId: newId(systemClock.nowMs()), version: 1, subject: 'session.revoked', payload, headers: {} },
    ]);
    publisher.close();
    await nats.close();
    return async () => {};
  },
};

/** NATS is there, and the stream of revocations is not. */
const revocationsGone: Fault = {
  fires: ['auth', 'post', 'feed'].map((job) => ({ alert: 'RevocationsNotHeard', labels: { job } })),
  mayFire: ['OutboxStuck'],
  cause: async ({ world }) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    await (await jetstreamManager(nats.connection)).streams.delete(REVOCATIONS_STREAM);
    return async () => {
      await ensureStreams(nats.connection);
      await nats.close();
    };
  },
};

const serviceKilled: Fault = {
  fires: [{ alert: 'ServiceDown', labels: { job: 'user' } }],
  cause: without('user', 'SIGKILL'),
};

const frontDoorDown: Fault = { fires: [{ alert: 'FrontDoorDown' }], cause: without('envoy', 'SIGKILL') };

const natsAway: Fault = {
  // Its own metrics come from its monitoring port.
  fires: [{ alert: 'NatsAway' }, { alert: 'OutboxStuck' }, { alert: 'TargetMissing', labels: { job: 'nats' } }],
  mayFire: ['ConsumerStopped'],
  cause: without('nats'),
};

const redisAway: Fault = { fires: [{ alert: 'RedisAway' }], cause: without('redis') };

const postgresAway: Fault = {
  fires: [{ alert: 'PostgresAway' }, { alert: 'ApiErrorBudgetBurnFast' }],
  mayFire: ['OutboxStuck', 'DatabasePoolExhausted', 'ServiceDown', 'ConsumerStopped'],
  cause: without('postgres'),
};

/** Those of a round happen at the same time, and none is the cause of another's alerts. */
export const rounds: Readonly<Record<string, readonly Fault[]>> = {
  'a consumer that gets nothing, an event and a revocation given up, no mail server, no limiter, a bad disk, guesses': [
    ...[consumerStopped, deadLetter, revocationFails, mailAway, limiterAway, diskFullAndSlow, guesses],
  ],
  'a service killed, the front door closed, keys that nobody has replaced, no revocations': [
    ...[serviceKilled, frontDoorDown, keysOld, revocationsGone],
  ],
  'NATS and Redis away': [natsAway, redisAway],
  'Postgres away': [postgresAway],
};

/** Alerts that no fault here causes, and why. Their unit tests have them fire (mesh/observability/rules/tests). */
export const notCaused: Readonly<Record<string, string>> = {
  ApiErrorBudgetBurnSlow: 'the same as the fast one, over days',
  ApiSlow: 'is about time',
  FeedReadsSlow: 'is about time',
  PostsSlow: 'is about time',
  PostVisibleLate: 'is about time',
  EventLoopBlocked: 'is about time',
  DatabasePoolExhausted: 'is about a load that lasts',
  RedeliveriesHigh: 'is about many events that fail, of which each would become a dead letter',
  RedisEvicts: 'needs a Redis that is too small',
  CertificateExpires: 'needs cert-manager, in a cluster',
  WorkloadCertificateExpires: 'needs a mesh, in a cluster',
};

/** Alerts that tell how quick a machine is, or follow from any fault that people notice: true, and no sign of anything wrong here. */
export const anyTime: readonly string[] = [
  ...['ApiSlow', 'FeedReadsSlow', 'PostsSlow', 'PostVisibleLate', 'EventLoopBlocked', 'RedeliveriesHigh'],
];
export const whileBroken: readonly string[] = [...anyTime, 'ApiErrorBudgetBurnFast', 'ApiErrorBudgetBurnSlow'];

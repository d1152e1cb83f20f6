/** The faults, in rounds, and alerts that none of them causes. */
import { consumerStopped, deadLetter, revocationFails, revocationsGone } from './events.ts';
import { type Fault, without } from './fault.ts';
import { keysOld } from './keys.ts';
import { eventLoopBlocked, postsLocked, redisTooSmall } from './slow.ts';
import { beginGuessing, causeMails } from './traffic.ts';

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
  fires: [{ alert: 'PostgresAway' }, { alert: 'ApiErrorBudgetBurnFast' }, { alert: 'ApiErrorBudgetBurnSlow' }],
  mayFire: ['OutboxStuck', 'DatabasePoolExhausted', 'ServiceDown', 'ConsumerStopped'],
  cause: without('postgres'),
};

/** Those of a round happen at the same time, and none is the cause of another's alerts. */
export const rounds: Readonly<Record<string, readonly Fault[]>> = {
  'a consumer that gets nothing, an event and a revocation given up, no mail server, no limiter, a bad disk, guesses': [
    ...[consumerStopped, deadLetter, revocationFails, mailAway, limiterAway, diskFullAndSlow, guesses],
  ],
  'Postgres away': [postgresAway],
  'a service killed, the front door closed, keys that nobody has replaced, no revocations': [
    ...[serviceKilled, frontDoorDown, keysOld, revocationsGone],
  ],
  'NATS and Redis away': [natsAway, redisAway],
  'a lock that is held, a process that is slow, memory that is too small': [
    ...[postsLocked, eventLoopBlocked, redisTooSmall],
  ],
};

/** Alerts that no fault here causes, and why. Their unit tests have them fire (mesh/observability/rules/tests). */
export const notCaused: Readonly<Record<string, string>> = {
  CertificateExpires: 'needs cert-manager, in a cluster',
  WorkloadCertificateExpires: 'needs a mesh, in a cluster',
  RedeliveriesHigh:
    'needs a service that goes on failing: what is away is waited for, and no event is delivered meanwhile',
};

/** Alerts that tell how quick a machine is: true, and no sign of anything wrong here. */
export const anyTime: readonly string[] = [
  ...['ApiSlow', 'FeedReadsSlow', 'PostsSlow', 'PostVisibleLate', 'EventLoopBlocked'],
];
/** And those that follow from any fault that people, or events, meet. */
export const whileBroken: readonly string[] = [
  ...[...anyTime, 'ApiErrorBudgetBurnFast', 'ApiErrorBudgetBurnSlow', 'RedeliveriesHigh'],
];

import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import { isAsDefined as isDurableAsDefined } from '#kit/events/consumers/durables.ts';
import { DEAD_LETTERS_STREAM, isAsDefined as isStreamAsDefined, STREAMS } from '#kit/events/jetstream/streams.ts';
import { connectOnce } from '../servers/nats.ts';
import { durablesOf } from '../services.ts';
import { readLimitsHealth, withoutLimitsRedis } from '../stack/limits-health.ts';
import { ownLimitsRedis, type StackPlan } from '../stack/plan.ts';
import type { StackState } from '../supervisor/state.ts';
import { fail, type Judgement, judge, ok, type Probe, warn } from './examination.ts';

const timeoutMs = 2_000;
const migrateStep = './oxo migrate';

export function redisProbe(plan: StackPlan): Probe {
  return {
    area: 'Redis',
    name: 'server',
    look: () => judgeRedis(plan.urls.redis, 'windows of feeds are evicted', 'answers stay right, reads cost more'),
    next:
      plan.own.redisUrl === undefined
        ? './oxo logs redis; feeds are read from Postgres meanwhile'
        : 'is the server of REDIS_URL there?',
  };
}

/** Where limits are counted, where that is another server. */
export function limitsRedisProbe(plan: StackPlan): Probe {
  return {
    area: 'limits',
    name: 'Redis',
    look: () => judgeRedis(plan.urls.limitsRedis, 'counters are evicted', 'whose are, may ask more than is allowed'),
    next:
      ownLimitsRedis(plan.own) === undefined
        ? `./oxo logs redis-limits; meanwhile ${withoutLimitsRedis}`
        : `is the server of LIMITS_REDIS_URL there? Meanwhile ${withoutLimitsRedis}`,
  };
}

/** Whether there is a rate limit service, and it answers; and whether auth counts attempts in all its processes together. */
export function limitsProbe(plan: StackPlan, state: StackState): Probe {
  const look = async (): Promise<Judgement[]> => {
    const { off, passed, alone } = await readLimitsHealth(plan, state);
    const attempts =
      alone === 0
        ? ok('all are counted', 'attempts')
        : warn(`${alone} were counted by one process of auth alone since it started`, './oxo logs auth', 'attempts');
    if (off !== undefined) return [attempts, warn(off, './oxo down && ./oxo up tries to build it again')];
    if (passed === 0) return [attempts, ok('all writes are counted')];
    return [attempts, warn(`${passed} writes passed uncounted since Envoy started`, './oxo logs ratelimit')];
  };
  return { area: 'limits', name: 'writes', look, next: './oxo logs envoy' };
}

/** @param evicted what happens when it is full, and @param cost what that costs */
async function judgeRedis(url: string, evicted: string, cost: string): Promise<Judgement[]> {
  const options = {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    retryStrategy: () => null,
  };
  const client = new Redis(url, options);
  client.on('error', () => {});
  try {
    await client.connect();
    const startedMs = performance.now();
    const info = await client.info();
    const tookMs = Math.ceil(performance.now() - startedMs);
    const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const found: Judgement[] = [];
    const [used, most] = [field('used_memory'), field('maxmemory')];
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
    if (field('rejected_connections') > 0)
      found.push(warn(`${field('rejected_connections')} connections were refused`, 'raise maxclients'));
    if (most > 0 && used > most * 0.95)
      found.push(
        warn(
          `${megabytes(used)} of ${megabytes(most)} MB used: ${evicted}`,
          `give it more memory (maxmemory); ${cost}`,
        ),
      );
    return found.length > 0 ? found : [ok(`answers in ${tookMs} ms, ${megabytes(used)} MB used`)];
  } finally {
    client.disconnect();
  }
}

export function natsProbe(plan: StackPlan): Probe {
  return {
    area: 'NATS',
    name: 'server',
    look: () => judgeNats(plan),
    next:
      plan.own.natsUrl === undefined
        ? './oxo logs nats; events wait in the outboxes meanwhile'
        : 'is the server of NATS_URL there?',
  };
}

async function judgeNats(plan: StackPlan): Promise<Judgement[]> {
  const connection = await connectOnce(plan.urls.nats, timeoutMs);
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMs });
    const found = await Promise.all([judgeStore(manager), judgeStreams(manager), judgeConsumers(manager, plan)]);
    return found.flat();
  } finally {
    void connection.close();
  }
}

async function judgeStore(manager: JetStreamManager): Promise<Judgement[]> {
  const { storage, limits } = await manager.getAccountInfo();
  const most = limits.max_storage > 0 ? limits.max_storage : 8 * 1024 ** 3;
  const message = `${(storage / 1e6).toFixed(0)} MB of events stored`;
  if (judge(storage / most, { warnFrom: 0.8, failFrom: 0.95 }) === 'ok') return [ok(message)];
  return [
    warn(
      `${message}, the limit is ${(most / 1e6).toFixed(0)}`,
      'beyond it nothing is published: give it more disk (max_file_store)',
    ),
  ];
}

async function judgeStreams(manager: JetStreamManager): Promise<Judgement[]> {
  const judged = STREAMS.map(async (definition): Promise<Judgement[]> => {
    const name = `stream ${definition.name}`;
    const info = await manager.streams.info(definition.name).catch(missing);
    if (info === undefined) return [fail('it is missing', migrateStep, name)];
    if (!isStreamAsDefined(info.config, definition)) return [fail('it is not as it is defined', migrateStep, name)];
    if (definition.name === DEAD_LETTERS_STREAM) return [judgeLetters(info.state.messages)];
    return [ok(`as defined, ${info.state.messages} messages`, name)];
  });
  return (await Promise.all(judged)).flat();
}

function judgeLetters(count: number): Judgement {
  const name = 'dead letters';
  if (count === 0) return ok('none', name);
  return warn(`${count} events were given up`, './oxo dead-letters list shows why; then show, replay or drop', name);
}

async function judgeConsumers(manager: JetStreamManager, plan: StackPlan): Promise<Judgement[]> {
  const durables = (await Promise.all(plan.services.map(durablesOf))).flat();
  return Promise.all(
    durables.map(async (durable): Promise<Judgement> => {
      const name = `consumer ${durable.name}`;
      const info = await manager.consumers.info(durable.stream, durable.name).catch(missing);
      if (info === undefined) return fail('it is missing', migrateStep, name);
      if (!isDurableAsDefined(info.config, durable)) return fail('it is not as it is defined', migrateStep, name);
      if (info.paused === true) return fail('it is paused: NATS hands out none of its events', migrateStep, name);
      const { num_pending, num_ack_pending, num_redelivered, num_waiting } = info;
      const message = `${num_pending} wait, ${num_ack_pending} are in hand, ${num_redelivered} of them not for the first time`;
      const service = durable.name.split('-')[0];
      const next = `./oxo logs ${service} says what it fails at`;
      if (num_waiting === 0 && num_pending > 0)
        return fail(`${message}; nobody asks for them`, `does ${service} run? ./oxo status`, name);
      const verdict = judge(num_pending, { warnFrom: 1_000, failFrom: 50_000 });
      if (verdict === 'ok' && num_redelivered === 0) return ok(message, name);
      return { name, verdict: verdict === 'ok' ? 'warn' : verdict, message, next };
    }),
  );
}

/** The server's word for it; any other failure is one of the whole. */
function missing(error: { status?: number }): undefined {
  if (error.status === 404) return undefined;
  throw error;
}

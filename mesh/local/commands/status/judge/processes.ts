import { withoutLimitsRedis } from '../../../stack/limits-health.ts';
import { serviceOf } from '../../../stack/replicas.ts';
import type { ProcessStatus } from '../read/processes.ts';
import { isUnread, type Readings } from '../read/readings.ts';
import { type AlertName, type Impact, type Problem, problem } from './problem.ts';

type Server = { readonly alert: AlertName; readonly title: string; readonly impact: Impact; readonly noticed: string };

type Next = Pick<Problem, 'since' | 'next'>;

/** What the servers are, and what people notice when one is away. By the name of the process. */
const servers: Readonly<Record<string, Server>> = {
  envoy: {
    ...{ alert: 'FrontDoorDown', title: 'the front door', impact: 'outage' },
    noticed: 'nobody reaches anything: connections are refused',
  },
  postgres: {
    ...{ alert: 'PostgresAway', title: 'Postgres', impact: 'outage' },
    noticed: 'nobody signs in or writes, and posts and profiles do not open (503); feeds that Redis has are shown',
  },
  nats: {
    ...{ alert: 'NatsAway', title: 'NATS', impact: 'degraded' },
    noticed: 'writes are taken, but posts reach feeds, and mails people, only when it is back',
  },
  redis: {
    ...{ alert: 'RedisAway', title: 'Redis', impact: 'degraded' },
    noticed: 'answers stay right, but feeds are read from Postgres and are slower',
  },
  'redis-limits': {
    ...{ alert: 'LimiterAway', title: 'the Redis of limits', impact: 'degraded' },
    noticed: withoutLimitsRedis,
  },
  ratelimit: {
    ...{ alert: 'LimiterAway', title: 'the rate limit service', impact: 'degraded' },
    noticed: 'nothing; writes pass uncounted, so one person may write without limit',
  },
  mail: {
    ...{ alert: 'MailsFail', title: 'what catches mails', impact: 'degraded' },
    noticed: 'mails (confirmations, resets) wait until it is back',
  },
};

/** What of a service people notice while none of its processes works. */
const services: Readonly<Record<string, string>> = {
  auth: 'nobody signs in or refreshes a token; who is signed in goes on',
  user: 'profiles and follows fail, and so does what shows authors',
  post: 'nobody posts, and posts do not open',
  feed: 'feeds do not open',
};

/** Servers, services and the front door that do not work. What only lacks a server is told by that server's problem. */
export function judgeProcesses(readings: Readings): Problem[] {
  const { processes, supervisor, urls } = readings;
  const away = processes.filter((each) => each.state !== 'ready');
  const unasked = findUnasked(readings);
  const serverIsAway = away.some(({ name }) => name in servers) || unasked.some(({ isSlow }) => !isSlow);
  const found = away.flatMap((each) => {
    const server = servers[each.name];
    const next = whenAndNext(each, supervisor);
    if (server !== undefined) return [judgeServer(each, server, next)];
    if (urls.operations[each.name] === undefined) return [judgeObserver(each, next)];
    if (each.state === 'not ready' && serverIsAway) return [];
    return [isDeaf(each) ? judgeDeaf(each, next) : judgeService(each, processes, next)];
  });
  return [...found, ...unasked.map(judgeUnasked), ...judgeFrontDoor(readings)];
}

function judgeServer(process: ProcessStatus, { alert, title, impact, noticed }: Server, next: Next): Problem {
  return problem(alert, {
    ...{ subject: process.name, impact, noticed },
    what: `${title} ${stateInWords(process)}`,
    ...next,
  });
}

/** What gathers metrics and traces. */
function judgeObserver(process: ProcessStatus, next: Next): Problem {
  return problem('TargetMissing', {
    ...{ subject: process.name, impact: 'soon' },
    what: `${process.name} ${stateInWords(process)}`,
    noticed: 'nothing; metrics, traces or alerts are missing',
    ...next,
  });
}

/** It serves, and only does not hear what is revoked. */
function isDeaf({ state, failing }: ProcessStatus): boolean {
  return state === 'not ready' && Object.keys(failing).join() === 'revocations';
}

function judgeDeaf(process: ProcessStatus, next: Next): Problem {
  return problem('RevocationsNotHeard', {
    ...{ subject: process.name, impact: 'degraded' },
    what: `${process.name} hears of no revocation (${process.failing.revocations})`,
    noticed: 'nothing; who was signed out goes on there until the token ends, 15 minutes at most',
    ...next,
  });
}

function judgeService(process: ProcessStatus, all: readonly ProcessStatus[], next: Next): Problem {
  const service = serviceOf(process.name);
  const others = all.filter(({ name, state }) => serviceOf(name) === service && state === 'ready');
  const lacks = Object.entries(process.failing).map(([check, why]) => `${check}: ${why}`);
  const suffix = lacks.length > 0 ? ` (${lacks.join('; ')})` : '';
  return problem('ServiceDown', {
    subject: process.name,
    impact: others.length > 0 ? 'degraded' : 'partial',
    what: `${process.name} ${stateInWords(process)}${suffix}`,
    noticed:
      others.length > 0
        ? `nothing more than a request that fails now and then: ${others.map(({ name }) => name).join(', ')} serves`
        : (services[service] ?? `all that ${service} does fails`),
    ...next,
  });
}

function stateInWords({ state, frozen, lastExit }: ProcessStatus): string {
  if (frozen) return 'is frozen: a signal has stopped it';
  if (state === 'not answering') return 'is not answering';
  if (state === 'not ready') return 'runs, but can not work';
  if (state === 'backing-off') return `keeps ending${lastExit === undefined ? '' : ` (${lastExit})`}`;
  return `is ${state}`;
}

/** Since when is known only of what the supervisor saw itself; and it starts nothing again where it is away itself. */
function whenAndNext({ name, state, since, frozen, pid }: ProcessStatus, supervisor: Readings['supervisor']): Next {
  const isKept = supervisor.state === 'running';
  const isSeen = isKept && !unseen.includes(state);
  if (frozen) return { since: undefined, next: `kill -CONT ${pid}${isKept ? ', or wait: it is started again' : ''}` };
  const isEnded = state !== 'not answering' && state !== 'not ready';
  if (isEnded && supervisor.state === 'dead') return { since: undefined, next: './oxo up' };
  if (isEnded && supervisor.state === 'frozen') return { since: undefined, next: `kill -CONT ${supervisor.pid}` };
  return { since: isSeen ? since : undefined, next: `./oxo logs ${name}` };
}

/** States that a supervisor does not know of. */
const unseen: readonly string[] = ['not answering', 'not ready', 'gone'];

/** A server of which nothing but our question says that it is away. */
type Unasked = {
  readonly name: string;
  readonly server: Server;
  readonly error: string;
  /** The setting that names it; undefined of one of ours. */
  readonly variable: string | undefined;
  /** Services that need it can work: it is slow, or this machine is. */
  readonly isSlow: boolean;
};

/** Servers that are not ours have no process here: what can't be asked says that they are away. */
function findUnasked(readings: Readings): Unasked[] {
  const { processes, outboxes, events, limits, stack } = readings;
  const { databaseUrl, natsUrl, redisUrl, limitsRedisUrl } = stack.own;
  const named = (url: string | undefined, variable: string) => (url === undefined ? undefined : variable);
  const ofLimits = named(limitsRedisUrl, 'LIMITS_REDIS_URL') ?? named(redisUrl, 'REDIS_URL');
  const unread: [name: string, variable: string | undefined, error: string | undefined][] = [
    ['postgres', named(databaseUrl, 'DATABASE_URL'), isUnread(outboxes) ? outboxes.error : undefined],
    ['nats', named(natsUrl, 'NATS_URL'), isUnread(events) ? events.error : undefined],
    ['redis-limits', ofLimits, isUnread(limits) ? undefined : limits.redisAway],
  ];
  return unread.flatMap(([name, variable, error]) => {
    const server = servers[name];
    if (error === undefined || server === undefined) return [];
    // One of ours that gives no answer is told by its state, unless that is still thought to be good.
    if (processes.some((each) => each.name === name && each.state !== 'ready')) return [];
    return [{ name, server, error, variable, isSlow: !isMissed(name, readings) }];
  });
}

/** Whether services say that they miss a server, or none of them says anything. What else runs or not tells nothing of it. */
function isMissed(server: string, { processes, urls }: Readings): boolean {
  const ofServices = processes.filter(({ name }) => urls.operations[name] !== undefined);
  const told = ofServices.filter(({ state, failing }) => state === 'ready' || Object.keys(failing).length > 0);
  if (ofServices.length > 0 && told.length === 0) return true;
  return told.some(({ failing }) => failing[server] !== undefined);
}

function judgeUnasked({ name, server, error, variable, isSlow }: Unasked): Problem {
  const { alert, title, impact, noticed } = server;
  return problem(alert, {
    subject: name,
    impact: isSlow ? 'degraded' : impact,
    what: `${title} ${isSlow ? 'answers too slowly' : 'can not be asked'}: ${error}`,
    noticed: isSlow ? 'requests that need it are slow; if it goes on, they fail' : noticed,
    next: variable === undefined ? `./oxo logs ${name}` : `is the server of ${variable} there?`,
  });
}

/** It may run and yet serve nobody. */
function judgeFrontDoor({ frontDoor, processes }: Readings): Problem[] {
  const runs = processes.some(({ name, state }) => name === 'envoy' && state === 'ready');
  if (!runs || !isUnread(frontDoor)) return [];
  const { alert, impact, noticed } = servers.envoy as Server;
  const what = `the front door gives no answer: ${frontDoor.error}`;
  return [problem(alert, { subject: 'envoy', impact, noticed, what, next: './oxo logs envoy' })];
}

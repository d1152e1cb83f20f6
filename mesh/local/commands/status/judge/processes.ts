import { withoutLimitsRedis } from '../../../stack/limits-health.ts';
import { serviceOf } from '../../../stack/replicas.ts';
import type { ProcessStatus } from '../read/processes.ts';
import { isUnread, type Readings } from '../read/readings.ts';
import { type AlertName, type Impact, type Problem, problem } from './problem.ts';

type Server = { readonly alert: AlertName; readonly title: string; readonly impact: Impact; readonly noticed: string };

/** What the servers are, and what people notice when one is away. By the name of the process. */
const servers: Readonly<Record<string, Server>> = {
  envoy: {
    ...{ alert: 'FrontDoorDown', title: 'the front door', impact: 'outage' },
    noticed: 'nobody reaches anything: connections are refused',
  },
  postgres: {
    ...{ alert: 'PostgresAway', title: 'Postgres', impact: 'outage' },
    noticed: 'almost every request fails with 503: nobody signs in, posts or reads',
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
  const { processes } = readings;
  const away = processes.filter((each) => each.state !== 'ready');
  const serverIsAway = away.some(({ name }) => name in servers) || ownServersAway(readings).length > 0;
  const found = away.flatMap((each) => {
    const server = servers[each.name];
    if (server !== undefined) return [judgeServer(each, server)];
    if (readings.urls.operations[each.name] === undefined) return [judgeObserver(each)];
    if (each.state === 'not ready' && serverIsAway) return [];
    return [isDeaf(each) ? judgeDeaf(each) : judgeService(each, processes)];
  });
  return [...found, ...ownServersAway(readings), ...judgeFrontDoor(readings)];
}

function judgeServer(process: ProcessStatus, { alert, title, impact, noticed }: Server): Problem {
  return problem(alert, {
    ...{ subject: process.name, impact, noticed },
    what: `${title} ${stateInWords(process)}`,
    ...whenAndNext(process),
  });
}

/** What gathers metrics and traces. */
function judgeObserver(process: ProcessStatus): Problem {
  return problem('TargetMissing', {
    ...{ subject: process.name, impact: 'soon' },
    what: `${process.name} ${stateInWords(process)}`,
    noticed: 'nothing; metrics, traces or alerts are missing',
    ...whenAndNext(process),
  });
}

/** It serves, and only does not hear what is revoked. */
function isDeaf({ state, failing }: ProcessStatus): boolean {
  return state === 'not ready' && Object.keys(failing).join() === 'revocations';
}

function judgeDeaf(process: ProcessStatus): Problem {
  return problem('RevocationsNotHeard', {
    ...{ subject: process.name, impact: 'degraded' },
    what: `${process.name} hears of no revocation (${process.failing.revocations})`,
    noticed: 'nothing; who was signed out goes on there until the token ends, 15 minutes at most',
    ...whenAndNext(process),
  });
}

function judgeService(process: ProcessStatus, all: readonly ProcessStatus[]): Problem {
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
    ...whenAndNext(process),
  });
}

function stateInWords({ state, frozen, lastExit }: ProcessStatus): string {
  if (frozen) return 'is frozen: a signal has stopped it';
  if (state === 'not answering') return 'is not answering';
  if (state === 'not ready') return 'runs, but can not work';
  if (state === 'backing-off') return `keeps ending${lastExit === undefined ? '' : ` (${lastExit})`}`;
  return `is ${state}`;
}

/** Since when is known only of what the supervisor saw itself. */
function whenAndNext({ name, state, since, frozen, pid }: ProcessStatus): Pick<Problem, 'since' | 'next'> {
  const isSeen = state !== 'not answering' && state !== 'not ready';
  return {
    since: isSeen ? since : undefined,
    next: frozen ? `kill -CONT ${pid}, or wait: it is started again` : `./oxo logs ${name}`,
  };
}

/** Servers that are not ours have no process here: what can't be asked says that they are away. */
function ownServersAway({ processes, outboxes, events, limits }: Readings): Problem[] {
  const isOurs = (name: string): boolean => processes.some((each) => each.name === name);
  const areWorking = processes.every(({ state }) => state === 'ready');
  const unread: [name: string, variable: string, error: string | undefined][] = [
    ['postgres', 'DATABASE_URL', isUnread(outboxes) ? outboxes.error : undefined],
    ['nats', 'NATS_URL', isUnread(events) ? events.error : undefined],
    ['redis-limits', 'LIMITS_REDIS_URL', isUnread(limits) ? undefined : limits.redisAway],
  ];
  return unread.flatMap(([name, variable, error]) => {
    const server = servers[name];
    if (error === undefined || server === undefined) return [];
    // One of ours that gives no answer is told by its state, unless that is still thought to be good.
    if (processes.some((each) => each.name === name && each.state !== 'ready')) return [];
    return [judgeUnasked(name, server, error, isOurs(name) ? undefined : variable, areWorking)];
  });
}

/**
 * A server of which nothing but this question says that it is away. Where services that need it can work, it is slow, or this machine is.
 * @param variable that names it; undefined of one of ours
 */
function judgeUnasked(
  name: string,
  { alert, title, impact, noticed }: Server,
  error: string,
  variable: string | undefined,
  areWorking: boolean,
): Problem {
  const isSlow = variable === undefined && areWorking;
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

import { join } from 'node:path';
import { ownerOf, ratelimitUsers, userOf } from '../credentials/turns.ts';
import type { PartName } from '../parts/parts.ts';
import { serverPorts } from '../ports.ts';
import { setUpAuditLog, setUpDatabase } from '../servers/database.ts';
import { prepareMailCatcher } from '../servers/mail-catcher.ts';
import { setUpMonitoring } from '../servers/monitoring.ts';
import { isWithoutAccounts, prepareNats, withPresentRights } from '../servers/nats.ts';
import { natsUsers } from '../servers/nats-users.ts';
import { adminUrl, preparePostgres } from '../servers/postgres.ts';
import { prepareRedis } from '../servers/redis.ts';
import type { RedisUsers } from '../servers/redis-acl.ts';
import { setUpOwnRedis } from '../servers/redis-own.ts';
import { setUpStreams } from '../servers/streams.ts';
import { logPathOf } from '../supervisor/group.ts';
import { type ProcessIdentity, signal } from '../supervisor/proc.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { readState } from '../supervisor/state.ts';
import { catchesMails, ownLimitsRedis, type StackPlan } from './plan.ts';

/** Runs a part of the work under a name; text that it returns is shown beside it. */
export type RunStep = (name: string, work: () => Promise<unknown>) => Promise<unknown>;

/** Connections to Postgres: of administrators, migrations and tests, and of one process of each service. */
const [ownConnections, connectionsOfReplica] = [70, 80];
/** Of one service, with room for what a dead process still holds: all four together leave some to administrators. */
const [spareOfService, connectionsOfProcess] = [10, 20];

/** A server that this stack runs itself, and the part that it is made of; none of our own code. */
export type OwnServer = {
  readonly name: string;
  readonly part: PartName | undefined;
  /** @param keep true: users of a server that runs keep what they may do already, also when it is started again */
  readonly prepare: (plan: StackPlan, program: string, keep?: boolean) => Promise<ProcessSpec>;
};

/** The servers that this stack runs itself. The rate limit service is not among them: it needs one of them (front-door.ts). */
export function serversOf({ own, services }: Pick<StackPlan, 'own' | 'services'>): OwnServer[] {
  const servers: OwnServer[] = [];
  if (own.databaseUrl === undefined) servers.push({ name: 'postgres', part: 'postgres', prepare: postgres });
  if (own.redisUrl === undefined) servers.push({ name: 'redis', part: 'redis', prepare: redis });
  if (ownLimitsRedis(own) === undefined) servers.push({ name: 'redis-limits', part: 'redis', prepare: limitsRedis });
  if (own.natsUrl === undefined) servers.push({ name: 'nats', part: 'nats', prepare: nats });
  if (catchesMails({ own, services })) servers.push({ name: 'mail', part: undefined, prepare: mailCatcher });
  return servers;
}

/** What has to be fetched for these servers. */
export function partsOf(servers: readonly OwnServer[]): PartName[] {
  return servers.flatMap(({ part }) => (part === undefined ? [] : [part]));
}

/** The program of a server; empty for our own code. */
export function programOf({ part }: OwnServer, programs: Readonly<Partial<Record<PartName, string>>>): string {
  return (part === undefined ? undefined : programs[part]) ?? '';
}

/**
 * Roles, schemas, users and streams: everything on the servers that services expect. Can be repeated.
 * @param keep true: also what this plan does not have stays, since processes of another still run
 */
export async function setUpServers(plan: StackPlan, step: RunStep, keep = false): Promise<void> {
  await Promise.all([
    step('database roles', async () => {
      await setUpDatabase(
        maintenanceUrl(plan),
        plan.services,
        passwords(plan, 'database'),
        plan.own.databaseUrl === undefined,
        plan.own.databaseUrl === undefined ? spareOfService + connectionsOfProcess * plan.replicas : undefined,
      );
      const auth = plan.services.find(({ name }) => name === 'auth');
      if (auth !== undefined) await setUpAuditLog(maintenanceUrl(plan), plan.secrets, auth);
      if (plan.observability || !keep) await setUpObserver(plan);
    }),
    step('streams', async () => {
      await setUpStreams(plan.urls.nats, plan.services);
      return plan.own.natsUrl === undefined
        ? ''
        : 'NATS_URL is yours: all services share its user, limits are yours too';
    }),
    plan.own.redisUrl === undefined
      ? undefined
      : step('redis users', () => setUpOwnRedis(plan.urls.redis, redisUsers(plan))),
    plan.own.limitsRedisUrl === undefined
      ? undefined
      : step('redis users of limits', () => setUpOwnRedis(plan.urls.limitsRedis, redisUsers(plan))),
  ]);
}

/** The role that reads statistics of Postgres, where it is ours; closed where nobody looks. */
async function setUpObserver({ own, urls, observability, secrets }: StackPlan): Promise<void> {
  if (own.databaseUrl === undefined)
    await setUpMonitoring(urls.database, observability ? secrets.monitoring : undefined);
}

/** A database that is there before ours is. */
function maintenanceUrl(plan: StackPlan): string {
  if (plan.own.databaseUrl !== undefined) return plan.own.databaseUrl;
  return adminUrl(serverPorts(plan.portBase).postgres, plan.secrets.admin.postgres, 'postgres');
}

/**
 * Users and rights on servers of ours that run already, where another version has set them up.
 * @param nats the process that reads its configuration again
 * @param keep true: what they may do already is kept, since services of that version still run
 */
export async function refreshUsers(plan: StackPlan, nats: ProcessIdentity | undefined, keep: boolean): Promise<void> {
  if (!keep && !plan.observability) await setUpObserver(plan);
  if (plan.own.redisUrl === undefined) await setUpOwnRedis(plan.urls.redis, feedsRedisUsers(plan), keep);
  // A version from before there were limits has no Redis of them.
  if (ownLimitsRedis(plan.own) === undefined && isRunning(plan, 'redis-limits'))
    await setUpOwnRedis(plan.urls.limitsRedis, limitsRedisUsers(plan), keep);
  if (plan.own.natsUrl === undefined && nats !== undefined) {
    await natsSpec(plan, '', { runs: true, keep });
    signal(nats, 'SIGHUP');
  }
}

function isRunning({ stateDir }: StackPlan, name: string): boolean {
  return readState(stateDir)?.processes.some((record) => record.name === name) ?? false;
}

function postgres(plan: StackPlan, program: string): Promise<ProcessSpec> {
  return preparePostgres({
    program,
    dataDir: join(plan.stateDir, 'data/postgres'),
    socketDir: plan.sockets.postgresDir,
    logPath: logPathOf(plan.logDir, 'postgres'),
    port: serverPorts(plan.portBase).postgres,
    password: plan.secrets.admin.postgres,
    maxConnections: ownConnections + connectionsOfReplica * plan.replicas,
    durable: true,
  });
}

async function mailCatcher({ stateDir, logDir, portBase }: StackPlan): Promise<ProcessSpec> {
  const { mailSmtp: smtpPort, mailPage: pagePort } = serverPorts(portBase);
  const dataDir = join(stateDir, 'data/mail');
  return prepareMailCatcher({ dataDir, logPath: logPathOf(logDir, 'mail'), smtpPort, pagePort });
}

function redis(plan: StackPlan, program: string, keep = false): Promise<ProcessSpec> {
  return prepareRedis({
    program,
    dataDir: join(plan.stateDir, 'data/redis'),
    logPath: logPathOf(plan.logDir, 'redis'),
    port: serverPorts(plan.portBase).redis,
    socketPath: plan.sockets.redisPath,
    adminPassword: plan.secrets.admin.redis,
    users: feedsRedisUsers(plan),
    name: 'redis',
    keep,
  });
}

function limitsRedis(plan: StackPlan, program: string, keep = false): Promise<ProcessSpec> {
  return prepareRedis({
    program,
    dataDir: join(plan.stateDir, 'data/redis-limits'),
    logPath: logPathOf(plan.logDir, 'redis-limits'),
    port: serverPorts(plan.portBase).limitsRedis,
    socketPath: plan.sockets.limitsRedisPath,
    adminPassword: plan.secrets.admin.redis,
    users: limitsRedisUsers(plan),
    name: 'redis-limits',
    keep,
  });
}

function feedsRedisUsers(plan: StackPlan): RedisUsers {
  return { services: passwords(plan, 'redis'), monitoring: monitoringPasswords(plan) };
}

/** Of the services auth alone counts. */
function limitsRedisUsers(plan: StackPlan): RedisUsers {
  const auth = [...passwords(plan, 'redis')].filter(([user]) => ownerOf(user) === 'auth');
  const monitoring = monitoringPasswords(plan);
  return { services: new Map(auth), ratelimit: ratelimitUsers(plan.secrets), monitoring };
}

/** Of a server that is ours; who brings one looks after it. */
function monitoringPasswords({ observability, secrets }: StackPlan): string[] {
  if (!observability) return [];
  return [secrets.redisMonitoring, secrets.formerRedisMonitoring].filter((password) => password !== undefined);
}

/** Of a server that is not ours, which may be one for both. */
function redisUsers(plan: StackPlan): RedisUsers {
  return { services: passwords(plan, 'redis'), ratelimit: ratelimitUsers(plan.secrets) };
}

function nats(plan: StackPlan, program: string, keep = false): Promise<ProcessSpec> {
  return natsSpec(plan, program, { runs: keep, keep });
}

/** @param how.runs false: the server is to be started with what is written */
async function natsSpec(
  plan: StackPlan,
  program: string,
  { runs, keep }: { readonly runs: boolean; readonly keep: boolean },
): Promise<ProcessSpec> {
  const ports = serverPorts(plan.portBase);
  const dataDir = natsDir(plan);
  const users = await natsUsers(plan.services, passwords(plan, 'nats'));
  return prepareNats({
    program,
    dataDir,
    logPath: logPathOf(plan.logDir, 'nats'),
    port: ports.nats,
    monitorPort: ports.natsMonitor,
    adminPassword: plan.secrets.admin.nats,
    users: keep ? withPresentRights(dataDir, users) : users,
    withoutAccounts: runs && isWithoutAccounts(dataDir),
  });
}

/** Whether a NATS of ours runs that a version without accounts has started. */
export function natsIsOld(plan: StackPlan): boolean {
  return plan.own.natsUrl === undefined && isWithoutAccounts(natsDir(plan));
}

function natsDir({ stateDir }: StackPlan): string {
  return join(stateDir, 'data/nats');
}

/** User → password on one of the servers: of each service the present one, and the one before while it still counts. */
function passwords(plan: StackPlan, of: 'database' | 'redis' | 'nats'): Map<string, string> {
  return new Map(
    plan.services.flatMap(({ name }) => {
      const present = plan.secrets.services[name];
      if (present === undefined) return [];
      const valid = present.former === undefined ? [present] : [present, present.former];
      return valid.map((each) => [userOf(name, each), each[of]] as const);
    }),
  );
}

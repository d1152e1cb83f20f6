import type pg from 'pg';
import { systemClock } from '#kit/clock.ts';
import { RELAY_LOCK } from '#kit/events/outbox/relay-link.ts';
import { messageOf } from '../cli/cli-error.ts';
import { type ClientOptions, withClient } from '../servers/postgres-client.ts';
import { migrationNames, type ServiceDefinition } from '../services.ts';
import { readOutboxes } from '../stack/health.ts';
import type { StackPlan } from '../stack/plan.ts';
import { readSigningKeys } from '../stack/signing-keys.ts';
import { fail, type Judgement, judge, ok, type Probe, warn } from './examination.ts';

const timeoutMs = 2_000;
/** What waits for a lock must not keep the rest from being looked at. */
const statementTimeoutMs = 500;
const slowAnswerMs = 1_000;
const oldSnapshotSeconds = 60;
const dayMs = 86_400_000;

const clientOptions: ClientOptions = {
  connectionTimeoutMillis: timeoutMs,
  query_timeout: timeoutMs,
  statement_timeout: statementTimeoutMs,
  application_name: 'oxo-doctor',
};

/**
 * The server, the schemas, and who carries their events away. An administrator looks at the server alone; what a service owns its own
 * user reads, or a view in place of a table would run with an administrator's rights.
 */
export function postgresProbes(plan: StackPlan): Probe[] {
  const next = plan.own.databaseUrl === undefined ? './oxo logs postgres' : 'is the server of DATABASE_URL there?';
  const outboxes = async () => (await readOutboxes(plan.urls.databases, plan.services)).map(judgeOutbox);
  return [
    {
      area: 'Postgres',
      name: 'server',
      look: () => withClient(plan.urls.database, clientOptions, (client) => judgeAll(client, plan, next)),
      next,
    },
    { area: 'Postgres', name: 'outboxes', look: outboxes, next },
  ];
}

type Part = readonly [name: string, judge: () => Promise<Judgement[]>];

async function judgeAll(client: pg.Client, plan: StackPlan, next: string): Promise<Judgement[]> {
  const withTables = plan.services.filter((service) => service.migrate !== undefined);
  const auth = withTables.find(({ name }) => name === 'auth');
  const as = (service: ServiceDefinition, look: (client: pg.Client) => Promise<Judgement[]>) =>
    withClient(plan.urls.databases[service.name] ?? '', clientOptions, look);
  const parts: Part[] = [
    ['server', () => judgeServer(client)],
    ['old snapshots', () => judgeSnapshots(client)],
    ...withTables.map(
      (service): Part => [`migrations of ${service.name}`, () => as(service, (own) => judgeMigrations(own, service))],
    ),
    ...withTables.map((service): Part => [`relay of ${service.schema}`, () => judgeRelay(client, service)]),
    ...(auth === undefined ? [] : [['signing keys', () => as(auth, (own) => judgeKeys(own, auth))] as const]),
  ];
  const found: Judgement[] = [];
  for (const [name, judgePart] of parts) {
    const judgements = await judgePart().catch((error: unknown) => [fail(`can't be asked: ${messageOf(error)}`, next)]);
    found.push(...judgements.map((judgement) => ({ name, ...judgement })));
  }
  return found;
}

async function judgeServer(client: pg.Client): Promise<Judgement[]> {
  const startedMs = performance.now();
  const { rows } = await client.query<{ now: number; used: number; allowed: number; replica: boolean }>(
    `SELECT extract(epoch FROM clock_timestamp())::float8 AS now, (SELECT count(*) FROM pg_stat_activity)::int AS used,
            current_setting('max_connections')::int AS allowed, pg_is_in_recovery() AS replica`,
  );
  const tookMs = performance.now() - startedMs;
  const { now = 0, used = 0, allowed = 1, replica = false } = rows[0] ?? {};
  const skewS = Math.abs(now * 1_000 - systemClock.nowMs()) / 1_000;
  const found: Judgement[] = [];
  if (replica) found.push(fail('it is a replica and takes no writes', 'DATABASE_URL must name the primary'));
  if (tookMs > slowAnswerMs)
    found.push(
      warn(
        `it took ${Math.round(tookMs)} ms to answer`,
        'pg_stat_activity shows what runs, pg_stat_statements what is slow',
      ),
    );
  if (skewS > 2)
    found.push(
      warn(
        `its clock differs by ${skewS.toFixed(1)} s from this machine's`,
        'set both by NTP: tokens and page order go by time',
      ),
    );
  if (used > allowed * 0.8)
    found.push(
      warn(
        `${used} of ${allowed} connections are used`,
        'who has them: select application_name, count(*) from pg_stat_activity group by 1',
      ),
    );
  return found.length > 0 ? found : [ok(`answers in ${Math.ceil(tookMs)} ms, ${used} of ${allowed} connections used`)];
}

/** One old snapshot keeps vacuum from all tables of the server, whoever has it. */
async function judgeSnapshots(client: pg.Client): Promise<Judgement[]> {
  const { rows } = await client.query<{ pid: number; role: string | null; seconds: number }>(
    `SELECT pid, usename AS role, extract(epoch FROM now() - xact_start)::float8 AS seconds FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
        AND pid <> pg_backend_pid() AND xact_start < now() - make_interval(secs => ${oldSnapshotSeconds})
      ORDER BY xact_start LIMIT 5`,
  );
  if (rows.length === 0) return [ok('none: vacuum can clean up')];
  return rows.map(({ pid, role, seconds }) =>
    warn(
      `pid ${pid} of ${role ?? 'an unknown role'} has kept vacuum from cleaning up for ${Math.round(seconds)} s`,
      `a backup or a migration may take long; else: SELECT pg_terminate_backend(${pid})`,
    ),
  );
}

async function judgeMigrations(client: pg.Client, { name, schema }: ServiceDefinition): Promise<Judgement[]> {
  const known = new Set(migrationNames(name));
  const exists = await client.query('SELECT to_regclass($1) AS found', [`${schema}.migrations`]);
  const next = `./oxo migrate ${name}`;
  if (exists.rows[0]?.found === null) return [warn('no tables yet', next)];
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${schema}.migrations`);
  const done = new Set(rows.map((row) => row.name));
  const due = [...known].filter((migration) => !done.has(migration));
  const newer = [...done].filter((found) => !known.has(found));
  if (due.length > 0) return [fail(`due: ${due.join(', ')}`, next)];
  if (newer.length > 0)
    return [warn(`the tables are newer than this code: ${newer.join(', ')}`, 'run the newer release again')];
  return [ok(`${done.size} done, none due`)];
}

function judgeOutbox({
  schema,
  waiting,
  oldestSeconds,
}: {
  schema: string;
  waiting: number;
  oldestSeconds: number;
}): Judgement {
  const name = `outbox of ${schema}`;
  const verdict = judge(oldestSeconds, { warnFrom: 5, failFrom: 60 });
  const message = waiting === 0 ? 'empty' : `${waiting} wait, the oldest for ${oldestSeconds.toFixed(1)} s`;
  if (verdict === 'ok') return ok(message, name);
  return { name, verdict, message, next: 'is a relay leading, and NATS there? Nothing is lost meanwhile' };
}

/** The session that holds the schema's lock publishes its events. Nobody but its owner can take it. */
async function judgeRelay(client: pg.Client, { name, schema }: ServiceDefinition): Promise<Judgement[]> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_locks WHERE locktype = 'relation' AND granted AND mode = 'ExclusiveLock'
        AND relation = to_regclass($1) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [`${schema}.${RELAY_LOCK}`],
  );
  if (rows.length > 0) return [ok('one leads')];
  const hasOutbox =
    (await client.query('SELECT to_regclass($1) AS found', [`${schema}.outbox`])).rows[0]?.found !== null;
  if (!hasOutbox) return [ok('no outbox')];
  return [fail('none leads: events wait in the outbox', `does ${name} run? ./oxo logs ${name}`)];
}

async function judgeKeys(client: pg.Client, auth: ServiceDefinition): Promise<Judgement[]> {
  const keys = await readSigningKeys(client, auth);
  if (keys === undefined) return [warn('no tables yet', './oxo up')];
  const current = keys.find(({ state }) => state === 'CURRENT');
  if (current === undefined) return [warn('none signs yet', 'auth makes one when it starts: ./oxo up')];
  if (!keys.some(({ state }) => state === 'NEXT')) return [fail('no next key is published', './oxo logs auth')];
  const days = (systemClock.nowMs() - (current.sinceMs ?? 0)) / dayMs;
  const rotateAfterDays = Number(process.env.KEY_ROTATE_AFTER_DAYS || 90);
  if (rotateAfterDays > 0 && days > rotateAfterDays + 2) {
    return [
      warn(
        `the present one has signed for ${Math.floor(days)} days`,
        './oxo keys rotate; ./oxo logs auth may say why not before',
      ),
    ];
  }
  return [ok(`the present one has signed for ${Math.max(0, Math.floor(days))} days, the next one is published`)];
}

import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { AUDIT_PRUNING, AUDIT_TABLE_V1, auditGrants } from '../../../services/auth/audit/audit-table.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { userNames, userOf } from '../credentials/turns.ts';
import type { Secrets } from '../secrets.ts';
import { auditOwner, loginRolesOf, roleOf, roleOfUser, type SchemaOwner } from '../services.ts';
import { withoutBlockers } from './blockers.ts';
import { databaseName } from './postgres.ts';
import { type ClientOptions, withClient } from './postgres-client.ts';
import { scramVerifier } from './scram.ts';

const maxAttempts = 20;
/** internal_error ("tuple concurrently updated"), unique_violation, duplicate_object, duplicate_schema, duplicate_table, deadlock_detected. */
const metStates = new Set(['XX000', '23505', '42710', '42P06', '42P07', '40P01']);
/** Of backups and of the set-up, which alone are its owner. */
const MAX_OWNER_CONNECTIONS = 5;

/** Whoever is connected as a user who may not come in any more is cut off. */
const endSessions = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY($1)';
/** A statement about roles and schemas takes milliseconds; what waits for a lock ends before. */
const clientOptions: ClientOptions = {
  connectionTimeoutMillis: 5_000,
  application_name: 'oxo',
  statement_timeout: 30_000,
};

/**
 * Makes the database, and a role and a schema for each service, or brings them up to date.
 * @param url an administrator's; any database of the server will do
 * @param passwords user of a service → password; of its two users the one without a password may not come in any more
 * @param isOurs true: nobody but administrators may enter the server's other databases
 * @param connectionLimit of each role; undefined leaves it as it is
 * Sessions of these roles that hold it up are ended: a service comes back, and what it had not committed it had acknowledged to nobody.
 * @throws CliError when this user may not do that, or when a session of another role holds it up, which is named
 */
export async function setUpDatabase(
  url: string,
  services: readonly SchemaOwner[],
  passwords: ReadonlyMap<string, string>,
  isOurs: boolean,
  connectionLimit?: number,
): Promise<void> {
  const blocking = { adminUrl: url, ends: loginRolesOf(services) };
  try {
    await withoutBlockers(url, clientOptions, blocking, async (client) => {
      await createDatabase(client);
      if (isOurs) await client.query('REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC');
    });
    await withoutBlockers(urlOf(url, {}), clientOptions, blocking, async (client) => {
      await unlessMet(client, () => createSchemas(client, services, passwords, connectionLimit));
      const closed = services.flatMap(({ name }) => userNames(name)).filter((user) => !passwords.has(user));
      await client.query(endSessions, [closed.map(roleOfUser)]);
    });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`roles and schemas can't be set up in Postgres: ${messageOf(error)}`, {
      advice: [
        'DATABASE_URL must name a server that runs, and a superuser there or a user with CREATEDB and CREATEROLE.',
        'If database oxo or roles oxo_… exist already, it must be that user who made them.',
      ],
      cause: error,
    });
  }
}

/**
 * Makes the audit log, or brings it up to date: a schema that is its owner's, who is no service, and the right to add to it for the service of
 * this role.
 * @param url as for `setUpDatabase`, which comes first
 */
export async function setUpAuditLog(url: string, secrets: AuditSecrets, writer: SchemaOwner): Promise<void> {
  const user = userOf(auditOwner.name, { second: secrets.auditSecond ?? false });
  await setUpDatabase(url, [auditOwner], new Map([[user, secrets.auditOwner]]), false, MAX_OWNER_CONNECTIONS);
  await withClient(auditOwnerUrl(url, secrets), clientOptions, (client) =>
    unlessMet(client, async () => {
      const { rows } = await client.query<{ log: string | null }>(`SELECT to_regclass('audit.log') AS log`);
      if (rows[0]?.log === null) await client.query(AUDIT_TABLE_V1);
      await client.query(AUDIT_PRUNING);
      await client.query(auditGrants(roleOf(writer)));
    }),
  );
}

/** Of the audit log's owner, by which no process comes in: its other user is closed as soon as this one is made. */
export type AuditSecrets = Pick<Secrets, 'auditOwner' | 'auditSecond'>;

/** The audit log, as its owner. @param url of the server */
export function auditOwnerUrl(url: string, { auditOwner: password, auditSecond = false }: AuditSecrets): string {
  return urlOf(url, { name: roleOfUser(userOf(auditOwner.name, { second: auditSecond })), password });
}

/** The URL of the database `oxo` on the server of another URL; another user where one is given. */
export function urlOf(url: string, user: { name?: string; password?: string }): string {
  const changed = new URL(url);
  changed.pathname = `/${databaseName}`;
  if (user.name !== undefined) changed.username = user.name;
  if (user.password !== undefined) changed.password = user.password;
  return changed.href;
}

async function createDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [databaseName]);
  if (rowCount !== 0) return;
  await client.query(`CREATE DATABASE ${databaseName} TEMPLATE template0 ENCODING 'UTF8'`).catch((error: unknown) => {
    // duplicate_database, or unique_violation of its catalogue: another start was quicker.
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error;
  });
}

/**
 * Two starts at once meet in the catalogue, and one of them fails; it begins again. A lock would do it too, but there is none that an
 * administrator can take and no service: the numbers of advisory locks are everybody's.
 */
async function unlessMet(client: pg.Client, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query('BEGIN');
      await work();
      await client.query('COMMIT');
      return;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      if (attempt === maxAttempts || !metStates.has((error as { code?: string }).code ?? '')) throw error;
      await pause(Math.random() * attempt * 50);
    }
  }
}

async function createSchemas(
  client: pg.Client,
  services: readonly SchemaOwner[],
  passwords: ReadonlyMap<string, string>,
  connectionLimit: number | undefined,
): Promise<void> {
  await client.query(`REVOKE ALL ON DATABASE ${databaseName} FROM PUBLIC`);
  await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
  for (const service of services) {
    await createOwner(client, service);
    for (const user of userNames(service.name)) {
      const password = passwords.get(user);
      if (password === undefined) await closeUser(client, user);
      else await openUser(client, service, user, password, connectionLimit);
    }
  }
}

async function createOwner(client: pg.Client, service: SchemaOwner): Promise<void> {
  const role = roleOf(service);
  if (!(await exists(client, role))) await client.query(`CREATE ROLE ${role} NOLOGIN NOCREATEDB NOCREATEROLE`);
  // Who is no superuser must be a member to make somebody the owner of a schema.
  await client.query(`GRANT ${role} TO CURRENT_USER`);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${service.schema} AUTHORIZATION ${role}`);
  await client.query(`REVOKE ALL ON SCHEMA ${service.schema} FROM PUBLIC`);
}

/** The second user acts as the owner from its first statement on: whatever it makes belongs to the owner. */
async function openUser(
  client: pg.Client,
  service: SchemaOwner,
  user: string,
  password: string,
  connectionLimit: number | undefined,
): Promise<void> {
  const [owner, role] = [roleOf(service), roleOfUser(user)];
  if (!(await exists(client, role))) await client.query(`CREATE ROLE ${role} NOCREATEDB NOCREATEROLE`);
  // What a service that was taken over has set for itself, such as a limit of time that fails everything.
  await client.query(`ALTER ROLE ${role} RESET ALL`);
  if (role !== owner) {
    await client.query(`GRANT ${owner} TO ${role}`);
    await client.query(`GRANT ${role} TO CURRENT_USER`);
    await client.query(`ALTER ROLE ${role} SET role = ${owner}`);
  }
  // A verifier and not the password, which would stand in logs and statistics.
  await client.query(`ALTER ROLE ${role} LOGIN PASSWORD '${scramVerifier(password)}'`);
  await client.query(`ALTER ROLE ${role} SET search_path = ${service.schema}`);
  await client.query(`GRANT CONNECT ON DATABASE ${databaseName} TO ${role}`);
  if (connectionLimit !== undefined) await client.query(`ALTER ROLE ${role} CONNECTION LIMIT ${connectionLimit}`);
}

async function closeUser(client: pg.Client, user: string): Promise<void> {
  const role = roleOfUser(user);
  if (!(await exists(client, role))) return;
  await client.query(`ALTER ROLE ${role} NOLOGIN PASSWORD NULL`);
}

async function exists(client: pg.Client, role: string): Promise<boolean> {
  return (await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role])).rowCount !== 0;
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readEnv, setting } from '#kit/process/config.ts';
import { messageOf } from '../../local/cli/cli-error.ts';
import { setUpAuditLog, setUpDatabase, urlOf } from '../../local/servers/database.ts';
import { setUpStreams } from '../../local/servers/streams.ts';
import { roleOf, type ServiceDefinition, services } from '../../local/services.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { linesInWords } from '../../local/supervisor/log-words.ts';

const run = promisify(execFile);
/** A migration takes as long as it takes; the Job's own limit is longer. */
const MIGRATION_LIMIT_MS = 50 * 60_000;
const PASSWORD = /^([a-z][a-z0-9]*)=([^\s,]{16,})$/;

/** `<service>=<password>,…`, as SERVICE_SECRET_HASHES of auth is. */
const passwords = () =>
  z
    .string()
    .transform((text) => text.split(',').map((entry) => PASSWORD.exec(entry.trim())))
    .refine(
      (entries) => entries.every((entry) => entry !== null),
      'must be <service>=<password>,…, of 16 signs or more',
    )
    .transform((entries) => new Map(entries.map((entry) => [entry?.[1] ?? '', entry?.[2] ?? ''])))
    .refine(
      (byName) => services.every(({ name }) => byName.has(name)),
      `must name ${services.map(({ name }) => name)}`,
    );

const settings = {
  /** An administrator's, with CREATEDB and CREATEROLE. */
  DATABASE_URL: setting.url('postgres', 'postgresql'),
  /** An administrator's, in the account of the streams. */
  NATS_URL: setting.url('nats', 'tls'),
  SERVICE_PASSWORDS: passwords(),
  AUDIT_OWNER_PASSWORD: setting.text().min(16),
  STREAM_REPLICAS: setting.integer(1, 5),
};

/**
 * Makes roles, schemas, the audit log, streams and consumers, and runs the migrations of every service.
 * @param report is told what was done
 * @throws ConfigError naming every setting that is missing or wrong; CliError or an Error with the words of what refused
 */
export async function setUp(env: NodeJS.ProcessEnv, report: (done: string) => void): Promise<void> {
  const read = readEnv(settings, env);
  await setUpDatabase(read.DATABASE_URL, services, read.SERVICE_PASSWORDS, false);
  const auth = services.find(({ name }) => name === 'auth');
  if (auth !== undefined) await setUpAuditLog(read.DATABASE_URL, { auditOwner: read.AUDIT_OWNER_PASSWORD }, auth);
  report('roles and schemas');
  await setUpStreams(read.NATS_URL, services, { replicas: read.STREAM_REPLICAS });
  report('streams and consumers');
  for (const service of services) {
    if (service.migrate === undefined) continue;
    const password = read.SERVICE_PASSWORDS.get(service.name) ?? '';
    report(
      `${service.name}: ${await migrate(service, urlOf(read.DATABASE_URL, { name: roleOf(service), password }), env)}`,
    );
  }
}

/** The service's own migrations, as its own role, by its own command. @returns what it said @throws Error with what it said */
async function migrate(service: ServiceDefinition, url: string, env: NodeJS.ProcessEnv): Promise<string> {
  const args = [service.migrate ?? '', 'up'];
  const options = { cwd: repositoryRoot, env: { ...env, DATABASE_URL: url }, timeout: MIGRATION_LIMIT_MS };
  try {
    return linesInWords((await run(process.execPath, args, options)).stdout).join(', ');
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const said = linesInWords(`${stdout}${stderr}`).join(', ') || messageOf(error);
    throw new Error(`the migrations of ${service.name} failed: ${said}`, { cause: error });
  }
}

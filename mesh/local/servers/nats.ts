import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { type NatsUser, NO_ACCOUNT, natsAccounts, STREAMS_ACCOUNT } from '#kit/events/jetstream/accounts.ts';
import type { NatsPermissions } from '#kit/events/jetstream/permissions.ts';
import { CliError } from '../cli/cli-error.ts';
import { loopback } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';

/** Administrator: makes the streams; for the oxo command alone. */
export const natsAdmin = 'oxo';

export type NatsOptions = {
  readonly program: string;
  readonly dataDir: string;
  readonly logPath: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly adminPassword: string;
  readonly users: readonly NatsUser[];
  /** For a server that runs and was started without accounts: it cannot be given any, and goes on as it is until it is started anew. */
  readonly withoutAccounts?: boolean;
};

const allowSchema = z.object({ allow: z.array(z.string()) });
const permissionsSchema = z.object({ publish: allowSchema, subscribe: allowSchema });
const usersSchema = z.object({
  users: z.array(z.object({ user: z.string(), permissions: permissionsSchema.optional() })).optional(),
});
/** Without accounts, as before there were any, all users stand in `authorization`. */
const configSchema = z.object({ authorization: usersSchema, accounts: z.record(z.string(), usersSchema).optional() });

function configPathOf(dataDir: string): string {
  return join(dataDir, 'nats.conf');
}

/** Writes the configuration file, and tells how to run the server. */
export async function prepareNats(options: NatsOptions): Promise<ProcessSpec> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  if (options.withoutAccounts !== true) await takeStreamsOver(options.dataDir);
  const configPath = configPathOf(options.dataDir);
  writePrivately(configPath, renderConfig(options));
  return {
    name: 'nats',
    command: options.program,
    args: ['-c', configPath],
    env: serverEnvironment(),
    cwd: options.dataDir,
    logPath: options.logPath,
    probe: () => answers(natsUrl(options.port, natsAdmin, options.adminPassword)),
    readyTimeoutMs: 20_000,
    // A stream that could not be written, as on a full disk, takes nothing more until the server is started again; it says so here.
    heartbeat: httpHeartbeat(options.monitorPort, '/healthz', 200),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 15_000,
  };
}

/** Streams of a version without accounts become those of their account: the server keeps them in a folder of its name. */
async function takeStreamsOver(dataDir: string): Promise<void> {
  const folderOf = (account: string) => join(dataDir, 'jetstream/jetstream', account);
  const [before, now] = [folderOf(NO_ACCOUNT), folderOf(STREAMS_ACCOUNT)];
  if (!existsSync(before)) return;
  if (existsSync(now)) {
    throw new CliError(`streams are in ${before} and in ${now}: an older version made the former anew`, {
      advice: ['Move the ones that you do not need elsewhere; events that wait are in the others only.'],
    });
  }
  await rename(before, now);
}

/**
 * Users with what they may do now, by the configuration of a server, beside what they are to do: while services of two versions run.
 * @param dataDir of a server of ours
 */
export function withPresentRights(dataDir: string, users: readonly NatsUser[]): NatsUser[] {
  const { authorization, accounts = {} } = readConfig(dataDir);
  const known = [authorization, ...Object.values(accounts)].flatMap(({ users = [] }) => users);
  return users.map(({ permissions, ...who }) => {
    const present = known.find(({ user }) => user === who.name)?.permissions;
    const both = (way: keyof NatsPermissions) => ({
      allow: [...new Set([...permissions[way].allow, ...(present?.[way].allow ?? [])])],
    });
    return { ...who, permissions: { publish: both('publish'), subscribe: both('subscribe') } };
  });
}

/** Whether the configuration of a server is one from before services had accounts of their own. */
export function isWithoutAccounts(dataDir: string): boolean {
  return existsSync(configPathOf(dataDir)) && readConfig(dataDir).accounts === undefined;
}

function readConfig(dataDir: string): z.infer<typeof configSchema> {
  return configSchema.parse(JSON.parse(readFileSync(configPathOf(dataDir), 'utf8')));
}

export function natsUrl(port: number, user: string, password: string): string {
  return `nats://${user}:${password}@${loopback}:${port}`;
}

/** The configuration is JSON, which the server reads as well as its own syntax. */
function renderConfig(options: NatsOptions): string {
  const config = {
    server_name: 'oxo-local',
    host: loopback,
    port: options.port,
    http: `${loopback}:${options.monitorPort}`,
    max_connections: 256,
    max_payload: 256 * 1024,
    max_control_line: 8 * 1024,
    max_pending: 16 * 1024 * 1024,
    max_subscriptions: 1024,
    write_deadline: '10s',
    jetstream: {
      store_dir: join(options.dataDir, 'jetstream'),
      max_memory_store: 64 * 1024 * 1024,
      max_file_store: 8 * 1024 * 1024 * 1024,
      // What was acknowledged is on the disk.
      sync_interval: 'always',
    },
    ...usersOf(options),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function usersOf({ adminPassword, users, withoutAccounts }: NatsOptions): object {
  const timeout = 5;
  if (withoutAccounts !== true) {
    return {
      authorization: { timeout },
      accounts: natsAccounts({ name: natsAdmin, password: adminPassword }, users),
    };
  }
  const services = users.map(({ name, password, permissions }) => ({ user: name, password, permissions }));
  return { authorization: { timeout, users: [{ user: natsAdmin, password: adminPassword }, ...services] } };
}

/**
 * A connection for one piece of work: it does not come back by itself.
 * @param url may hold user and password, which the library does not read from it; tls:// insists on TLS
 */
export function connectOnce(url: string, timeoutMs = 5_000): Promise<NatsConnection> {
  const { protocol, host, username, password } = new URL(url);
  return connect({
    servers: host,
    ...(protocol === 'tls:' ? { tls: {} } : {}),
    ...(username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    name: 'oxo',
    reconnect: false,
    timeout: timeoutMs,
  });
}

/** JetStream answers a little later than the port, and is what everybody waits for. */
async function answers(url: string): Promise<boolean> {
  const connection = await connectOnce(url, 1_000);
  try {
    const reply = await connection.request('$JS.API.INFO', undefined, { timeout: 1_000 });
    return reply.json<{ error?: unknown }>().error === undefined;
  } finally {
    await connection.close();
  }
}

import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import type { NatsPermissions } from '#kit/events/jetstream/permissions.ts';
import { loopback } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';

/** Administrator: makes the streams; for the oxo command alone. */
export const natsAdmin = 'oxo';

export type NatsUser = { readonly name: string; readonly password: string; readonly permissions: NatsPermissions };

export type NatsOptions = {
  readonly program: string;
  readonly dataDir: string;
  readonly logPath: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly adminPassword: string;
  readonly users: readonly NatsUser[];
};

const allowSchema = z.object({ allow: z.array(z.string()) });
const permissionsSchema = z.object({ publish: allowSchema, subscribe: allowSchema });
const configSchema = z.object({
  authorization: z.object({
    users: z.array(z.object({ user: z.string(), permissions: permissionsSchema.optional() })),
  }),
});

function configPathOf(dataDir: string): string {
  return join(dataDir, 'nats.conf');
}

/** Writes the configuration file, and tells how to run the server. */
export async function prepareNats(options: NatsOptions): Promise<ProcessSpec> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
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

/**
 * Users with what they may do now, by the configuration of a server, beside what they are to do: while services of two versions run.
 * @param dataDir of a server of ours
 */
export function withPresentRights(dataDir: string, users: readonly NatsUser[]): NatsUser[] {
  const { authorization } = configSchema.parse(JSON.parse(readFileSync(configPathOf(dataDir), 'utf8')));
  return users.map(({ name, password, permissions }) => {
    const present = authorization.users.find(({ user }) => user === name)?.permissions;
    const both = (way: keyof NatsPermissions) => ({
      allow: [...new Set([...permissions[way].allow, ...(present?.[way].allow ?? [])])],
    });
    return { name, password, permissions: { publish: both('publish'), subscribe: both('subscribe') } };
  });
}

export function natsUrl(port: number, user: string, password: string): string {
  return `nats://${user}:${password}@${loopback}:${port}`;
}

/** The configuration is JSON, which the server reads as well as its own syntax. */
function renderConfig(options: NatsOptions): string {
  const services = options.users.map(({ name, password, permissions }) => ({ user: name, password, permissions }));
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
    authorization: {
      timeout: 5,
      users: [{ user: natsAdmin, password: options.adminPassword }, ...services],
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/**
 * A connection for one piece of work: it does not come back by itself.
 * @param url may hold user and password, which the library does not read from it
 */
export function connectOnce(url: string, timeoutMs = 5_000): Promise<NatsConnection> {
  const { host, username, password } = new URL(url);
  return connect({
    servers: host,
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

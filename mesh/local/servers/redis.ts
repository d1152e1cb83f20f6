import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { loopback } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';
import { type RedisUsers, redisAdmin, renderAclFile } from './redis-acl.ts';

export type RedisOptions = {
  readonly program: string;
  /** Its working folder and its ACL file; nothing is persisted. */
  readonly dataDir: string;
  readonly logPath: string;
  readonly port: number;
  /** Undefined: no socket in the file system. */
  readonly socketPath: string | undefined;
  readonly adminPassword: string;
  readonly users: RedisUsers;
  /** Of the process. */
  readonly name: 'redis' | 'redis-limits';
  /** True: the ACL file that lies there is kept, since a server that runs saves to it what its users may do. */
  readonly keep?: boolean;
};

/** What is kept in it, and what goes first when it is full. */
const memory = {
  /**
   * Feeds. volatile-lru: every key has a TTL, so at the limit the windows of people who have not come for long go first. noeviction
   * would turn a full cache into refused writes, and a tombstone (60 s old at most) is never among the least recently used.
   * A key that was left without a TTL by mistake is not evicted: it shows as refused writes instead of vanishing.
   */
  redis: { maxmemory: '512mb', 'maxmemory-policy': 'volatile-lru' },
  /** Counters. What ends soonest goes first, so a flood of them pushes out its own rather than those that count for an hour. */
  'redis-limits': { maxmemory: '64mb', 'maxmemory-policy': 'volatile-ttl' },
} as const;

/** Writes the ACL file, and tells how to run the server. */
export async function prepareRedis(options: RedisOptions): Promise<ProcessSpec> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const aclPath = join(options.dataDir, 'users.acl');
  if (!options.keep || !existsSync(aclPath))
    writePrivately(aclPath, renderAclFile(options.adminPassword, options.users));
  const note = await removeSnapshot(options.dataDir);
  return {
    name: options.name,
    ...(note === undefined ? {} : { note }),
    // What it writes is open to nobody else: ACL SAVE makes its file anew, as everybody's to read.
    command: '/bin/sh',
    args: ['-c', 'umask 077; exec "$0" "$@"', options.program, ...settingArguments(options, aclPath)],
    env: serverEnvironment(),
    cwd: options.dataDir,
    logPath: options.logPath,
    probe: () => redisAnswers(redisUrl(options.port, redisAdmin, options.adminPassword)),
    readyTimeoutMs: 20_000,
    // Refused for want of a password, which is an answer.
    heartbeat: { port: options.port, question: 'PING\r\n' },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

/**
 * We write none. One that somebody had written (SAVE) holds nothing that is believed after a restart, and a damaged one keeps the server
 * from starting.
 */
async function removeSnapshot(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, 'dump.rdb');
  if (!existsSync(path)) return undefined;
  await rm(path, { force: true });
  return 'starts empty: a snapshot that lay there was removed, feeds are made anew from Postgres';
}

export function redisUrl(port: number, user: string, password: string): string {
  return `redis://${user}:${password}@${loopback}:${port}`;
}

/** Nothing is persisted: all of it can be rebuilt or begins anew, and a copy on disk would come back stale after a kill. */
function settingArguments(options: RedisOptions, aclPath: string): string[] {
  const settings: Record<string, string> = {
    bind: loopback,
    port: String(options.port),
    ...(options.socketPath === undefined ? {} : { unixsocket: options.socketPath, unixsocketperm: '700' }),
    'protected-mode': 'yes',
    aclfile: aclPath,
    dir: options.dataDir,
    save: '',
    appendonly: 'no',
    // A compact list is searched from its beginning: for the windows of feeds a skip list is several times faster.
    'zset-max-listpack-entries': '16',
    ...memory[options.name],
    maxclients: '512',
    'tcp-keepalive': '60',
    databases: '1',
    daemonize: 'no',
    // A title would be written over its environment, by which it is found when the state file is lost.
    'set-proc-title': 'no',
    'enable-debug-command': 'no',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Whether it does; rejects when it can't be reached. */
export async function redisAnswers(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, connectTimeout: 1_000, retryStrategy: () => null });
  // What it rejects with says only that it is not connected.
  let why: unknown;
  client.on('error', (error) => {
    why = error;
  });
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch (error) {
    throw why ?? error;
  } finally {
    client.disconnect();
  }
}

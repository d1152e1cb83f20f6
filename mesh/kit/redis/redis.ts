import { createHash } from 'node:crypto';
import { Redis as Client, Command, ReplyError } from 'ioredis';
import { unavailable } from '#kit/errors.ts';
import type { Logger } from '#kit/logger.ts';
import { SpanKind, withSpan } from '#kit/trace.ts';

/** A Lua script and its SHA-1, by which the server knows it. */
export interface Script {
  name: string;
  lua: string;
  sha1: string;
  /** A script that only reads may be given keys that its user may not write. */
  readOnly: boolean;
}

export type Argument = string | number | Buffer;

/** A reply as it came: binary values stay binary. */
export type Reply = Buffer | number | null | Reply[];

/**
 * Redis as a cache that may be flushed, killed or come back stale at any time.
 *
 * Every key's name holds the epoch of the server: the first characters of its replication id, which changes with each restart
 * and each failover. What another epoch wrote is never read again and goes by its TTL, so a server that comes back with an
 * old snapshot is the same as an empty one. The epoch belongs to the connection. A command that was on its way when the
 * connection broke fails rather than being sent again, because its key names the old epoch: who must write asks again.
 */
export interface Redis {
  /** The name of a key in this epoch. The braces keep the keys of one id on one node of a cluster. @throws unavailable */
  key(prefix: string, id: string): string;
  /** Runs a script in one round trip. As with all commands: @throws unavailable when Redis is away or was restarted */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply>;
  /** Values in the order of the keys; null where there is none. */
  getMany(keys: readonly string[]): Promise<(Buffer | null)[]>;
  set(key: string, value: string | Buffer, ttlMs: number): Promise<void>;
  /** Gives a key a new lifetime. */
  expire(key: string, ttlMs: number): Promise<void>;
  /** Keys in groups that one script may touch together: one group, or one for each slot of a cluster. */
  groupBySlot<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][];
  /** Fails when the server does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const EPOCH_CHARACTERS = 8;
const CONNECT_TIMEOUT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 500;

export function defineScript(name: string, lua: string, { readOnly = false } = {}): Script {
  return { name, lua, sha1: createHash('sha1').update(lua).digest('hex'), readOnly };
}

/** Connects, and keeps connecting when the server is away. Does not wait for the server: see `ping`. */
export function connectRedis(url: string, logger: Logger): Redis {
  const client = new Client(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Not `socketTimeout`: its timer outlives the connection and then ends the next one.
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: (attempts) => Math.min(attempts * 50, MAX_RECONNECT_DELAY_MS),
  });
  let epoch: string | undefined;

  async function learnEpoch(): Promise<void> {
    const replication = await client.info('replication');
    epoch = /master_replid:([0-9a-f]+)/.exec(replication)?.[1]?.slice(0, EPOCH_CHARACTERS);
    logger.info({ epoch }, 'redis connected');
  }

  client.on('ready', () => {
    learnEpoch().catch((error: unknown) => {
      logger.warn({ err: error }, 'redis does not tell its epoch');
      client.disconnect(true);
    });
  });
  client.on('close', () => {
    epoch = undefined;
  });
  client.on('error', (error: unknown) => logger.debug({ err: error }, 'redis connection failed'));

  let gathering = false;

  /** What is sent until the event loop goes on leaves in one system call: those are most of what a command costs. */
  function gatherWrites(): void {
    if (gathering) return;
    const { stream } = client;
    gathering = true;
    stream.cork();
    setImmediate(() => {
      gathering = false;
      stream.uncork();
    });
  }

  /** What the server refuses is a fault of ours and stays as it is; all else means that it is away. */
  async function reach<Result>(keys: readonly string[], send: () => Promise<Result>): Promise<Result> {
    // A key that was named before the connection broke belongs to another epoch than the one it would be sent to.
    const mark = `:${requireEpoch()}:`;
    if (!keys.every((key) => key.includes(mark))) throw unavailable('Redis has been restarted.');
    gatherWrites();
    try {
      return await send();
    } catch (error) {
      throw error instanceof ReplyError ? error : unavailable('Redis is away.', error);
    }
  }

  function requireEpoch(): string {
    if (epoch === undefined) throw unavailable('Redis is away.');
    return epoch;
  }

  async function evaluate(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    const rest = [keys.length, ...keys, ...args];
    try {
      return await command(script.readOnly ? 'evalsha_ro' : 'evalsha', [script.sha1, ...rest]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await command(script.readOnly ? 'eval_ro' : 'eval', [script.lua, ...rest]);
    }
  }

  /** With binary replies. */
  async function command(name: string, args: Argument[]): Promise<Reply> {
    return (await client.sendCommand(new Command(name, args, { replyEncoding: null }))) as Reply;
  }

  return {
    key: (prefix, id) => `${prefix}:${requireEpoch()}:{${id}}`,
    run: (script, keys, args) =>
      withSpan(`redis ${script.name}`, SpanKind.CLIENT, undefined, () =>
        reach(keys, () => evaluate(script, keys, args)),
      ),
    getMany: (keys) =>
      withSpan('redis MGET', SpanKind.CLIENT, undefined, async () =>
        keys.length === 0 ? [] : reach(keys, () => client.mgetBuffer(...keys)),
      ),
    set: (key, value, ttlMs) =>
      withSpan('redis SET', SpanKind.CLIENT, undefined, () =>
        reach([key], async () => void (await client.set(key, value, 'PX', ttlMs))),
      ),
    expire: (key, ttlMs) =>
      withSpan('redis PEXPIRE', SpanKind.CLIENT, undefined, () =>
        reach([key], async () => void (await client.pexpire(key, ttlMs))),
      ),
    groupBySlot: (items) => (items.length === 0 ? [] : [[...items]]),
    ping: () => reach([], async () => void (await client.ping())),
    close: async () => client.disconnect(),
  };
}

import { createHash } from 'node:crypto';
import { Command, ReplyError } from 'ioredis';
import { unavailable } from '#kit/errors.ts';
import type { Logger } from '#kit/logger.ts';
import { openRedisConnection } from '#kit/redis/connection.ts';
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
 * Redis as a cache that may be flushed, killed, hang or come back stale at any time.
 *
 * Every key's name holds the epoch of the server: the first characters of its replication id, which changes with each restart
 * and each failover. What another epoch wrote is never read again and goes by its TTL, so a server that comes back with an
 * old snapshot is the same as an empty one. The epoch belongs to the connection. A command that was on its way when the
 * connection broke fails rather than being sent again, because its key names the old epoch: who must write asks again.
 *
 * A server that owes an answer for half a second is away: the connection is given up, all that was on its way fails together,
 * and what comes after fails at once until a new connection has told the epoch. So nobody waits for Redis more than once.
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

export function defineScript(name: string, lua: string, { readOnly = false } = {}): Script {
  return { name, lua, sha1: createHash('sha1').update(lua).digest('hex'), readOnly };
}

/** Connects, and keeps connecting when the server is away. Does not wait for the server: see `ping`. */
export function connectRedis(url: string, logger: Logger): Redis {
  const connection = openRedisConnection(url, logger);
  const { client } = connection;

  /** What the server refuses is a fault of ours and stays as it is; all else means that it is away. */
  async function reach<Result>(keys: readonly string[], send: () => Promise<Result>): Promise<Result> {
    // A key that was named before the connection broke belongs to another epoch than the one it would be sent to.
    const mark = `:${connection.epoch()}:`;
    if (!keys.every((key) => key.includes(mark))) throw unavailable('Redis has been restarted.');
    try {
      return await connection.ask(send);
    } catch (error) {
      throw error instanceof ReplyError ? error : unavailable('Redis is away.', error);
    }
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
    key: (prefix, id) => `${prefix}:${connection.epoch()}:{${id}}`,
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
    close: async () => connection.close(),
  };
}

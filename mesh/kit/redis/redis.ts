import { createHash } from 'node:crypto';
import type { Logger } from '#kit/observability/logger.ts';
import { connectCluster } from '#kit/redis/cluster.ts';
import { parseClusterUrl } from '#kit/redis/cluster-url.ts';
import { useConnection } from '#kit/redis/commands.ts';
import { openRedisConnection } from '#kit/redis/connection.ts';

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
  /**
   * The name of a key in this epoch. The braces keep the keys of one id in one slot of a cluster.
   * @throws unavailable when the server is away; of a cluster's node that is away, what the name is used for fails
   */
  key(prefix: string, id: string): string;
  /** Runs a script in one round trip; its keys are of one id, or of a group by slot. As with all commands: @throws unavailable when Redis is away or was restarted */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply>;
  /** Values in the order of the keys; null where there is none. A cluster's node that is away has none. */
  getMany(keys: readonly string[]): Promise<(Buffer | null)[]>;
  set(key: string, value: string | Buffer, ttlMs: number): Promise<void>;
  /** Gives a key a new lifetime. */
  expire(key: string, ttlMs: number): Promise<void>;
  /** Keys in groups that one script may touch together: one group, or one for each slot of a cluster. */
  groupBySlot<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][];
  /** Whether it can be used now, as far as is known without asking; of a cluster, whether all of it can. */
  isThere(): boolean;
  /** Fails when the server does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A script that Redis keeps by its hash, so that only the first call sends its text.
 * @param options.readOnly it changes nothing
 */
export function defineScript(name: string, lua: string, { readOnly = false } = {}): Script {
  return { name, lua, sha1: createHash('sha1').update(lua).digest('hex'), readOnly };
}

/**
 * Connects, and keeps connecting when the server is away. Does not wait for the server: see `ping`.
 * @param url of a server, or of some nodes of a cluster (`redis+cluster://user:password@host:port,host:port`), see cluster.ts
 * @param options.answerTimeoutMs of one server, how long it may be silent while an answer is awaited; default half a second
 * @param options.onFailure is told of each operation that fails, be it refused or not answered
 */
export function connectRedis(
  url: string,
  logger: Logger,
  { onFailure, ...options }: { answerTimeoutMs?: number; onFailure?: () => void } = {},
): Redis {
  const nodeUrls = parseClusterUrl(url);
  if (nodeUrls !== undefined) return connectCluster(nodeUrls, logger, onFailure);
  return useConnection(openRedisConnection(url, logger, options), { onFailure });
}

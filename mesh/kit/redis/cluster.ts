import { ReplyError } from 'ioredis';
import { unavailable } from '#kit/errors.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { slotOfId, slotOfKey } from '#kit/redis/slots.ts';
import { type Node, openTopology } from '#kit/redis/topology.ts';

/** In names of keys whose node is away: no node has this epoch. */
const AWAY = 'away';
/** What a node says that cannot answer now, though nothing is wrong with the question. */
const PASSING = /^(TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|LOADING|MOVED|ASK) ?/;

/**
 * A Redis Cluster. Each node has a connection, an epoch and a watchdog of its own, and all that is true of a single server is true
 * of each node: one that is away makes its keys missing and no others.
 *
 * A key bears the epoch of the node that holds its slot. A slot that moves takes its keys along under names that nobody asks for
 * at their new node, so it begins there empty. That is why a command that comes to the wrong node is not passed on as it is:
 * its keys are named anew.
 * @param onFailure is told of each operation that fails; what another node then does has not
 */
export function connectCluster(urls: readonly string[], logger: Logger, onFailure?: () => void): Redis {
  const topology = openTopology(urls, logger);

  /** @throws OxoError UNAVAILABLE when the node that holds the keys is away */
  async function at<Result>(
    keys: readonly string[],
    send: (node: Redis, keys: readonly string[]) => Promise<Result>,
  ): Promise<Result> {
    const slot = slotOfKey(keys[0] ?? '');
    try {
      return await send(topology.holderOf(slot).redis, keys).catch(async (error: unknown) => {
        const [kind, , address = ''] = replyOf(error).split(' ');
        if (kind === 'ASK') return send(topology.node(address).askedRedis, keys);
        if (kind !== 'MOVED' && kind !== 'READONLY') throw error;
        await topology.refresh(kind === 'MOVED' ? address : undefined);
        const { redis } = topology.holderOf(slot);
        return send(
          redis,
          keys.map((key) => rename(redis, key)),
        );
      });
    } catch (error) {
      onFailure?.();
      if (PASSING.test(replyOf(error))) throw unavailable('Redis is changing.', error);
      throw error;
    }
  }

  function groupBySlot<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
    return [...Map.groupBy(items, (item) => slotOfKey(keyOf(item))).values()];
  }

  /** Those of nodes that are away are missing. @throws OxoError UNAVAILABLE when all are away */
  async function getMany(keys: readonly string[]): Promise<(Buffer | null)[]> {
    const groups = groupBySlot([...keys.keys()], (index) => keys[index] ?? '');
    const values: (Buffer | null)[] = keys.map(() => null);
    const outcomes = await Promise.allSettled(
      groups.map(async (indices) => {
        const group = indices.map((index) => keys[index] ?? '');
        const found = await at(group, (node, named) => node.getMany(named));
        for (const [place, index] of indices.entries()) values[index] = found[place] ?? null;
      }),
    );
    const [failed] = outcomes.filter((outcome) => outcome.status === 'rejected');
    if (failed !== undefined && outcomes.every((outcome) => outcome.status === 'rejected')) throw failed.reason;
    return values;
  }

  return {
    key(prefix, id) {
      try {
        return topology.holderOf(slotOfId(id)).redis.key(prefix, id);
      } catch {
        onFailure?.();
        return `${prefix}:${AWAY}:{${id}}`;
      }
    },
    run: (script, keys, args) => at(keys, (node, named) => node.run(script, named, args)),
    getMany,
    set: (key, value, ttlMs) => at([key], (node, [named = '']) => node.set(named, value, ttlMs)),
    expire: (key, ttlMs) => at([key], (node, [named = '']) => node.expire(named, ttlMs)),
    groupBySlot,
    isThere() {
      const holders = topology.holders();
      return holders.length > 0 && holders.every(({ redis }: Node) => redis.isThere());
    },
    async ping() {
      const holders = topology.holders();
      if (holders.length === 0) throw unavailable('The Redis cluster has not been reached yet.');
      await Promise.all(holders.map(({ redis }: Node) => redis.ping()));
    },
    close: async () => topology.close(),
  };
}

/** What a node has answered; empty when it has not. */
function replyOf(error: unknown): string {
  return error instanceof ReplyError ? (error as Error).message : '';
}

/** The same key at another node. */
function rename(redis: Redis, key: string): string {
  return redis.key(key.slice(0, key.indexOf(':')), key.slice(key.lastIndexOf('{') + 1, -1));
}

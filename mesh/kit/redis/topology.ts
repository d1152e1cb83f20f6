import { unavailable } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { useConnection } from '#kit/redis/commands.ts';
import { openRedisConnection, type RedisConnection } from '#kit/redis/connection.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { SLOTS } from '#kit/redis/slots.ts';

/** A node of a cluster. */
export interface Node {
  redis: Redis;
  /** The same for keys of slots that are on their way to it. */
  askedRedis: Redis;
  connection: RedisConnection;
}

/** Which node holds which slot, as far as this process knows. A node that is asked wrongly says so: nothing depends on this being true. */
export interface Topology {
  /** @throws OxoError UNAVAILABLE when it is not known who holds the slot */
  holderOf(slot: number): Node;
  /** @param address host:port */
  node(address: string): Node;
  /** All that hold slots. Empty until the first answer. */
  holders(): Node[];
  /** Asks again who holds what. @param address of the node that knows best */
  refresh(address?: string): Promise<void>;
  close(): void;
}

/** Besides what nodes say when they are asked wrongly: for nodes that came back, and those that are gone. */
const REFRESH_MS = 1_000;
/** Until the cluster has been reached once. */
const FIRST_REFRESH_MS = 50;

type SlotRange = [first: number, last: number, holder: [host: string, port: number, ...rest: unknown[]]];

/** @param urls of some nodes; the others are found */
export function openTopology(urls: readonly string[], logger: Logger): Topology {
  const warn = warnSeldom(logger);
  const nodes = new Map<string, Node>();
  let holders: (Node | undefined)[] = [];
  let refreshing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function node(address: string): Node {
    const known = nodes.get(address);
    if (known !== undefined) return known;
    const url = Object.assign(new URL(urls[0] ?? ''), { host: address }).href;
    const connection = openRedisConnection(url, logger, { isNode: true });
    const opened = {
      connection,
      redis: useConnection(connection),
      askedRedis: useConnection(connection, { asking: true }),
    };
    nodes.set(address, opened);
    return opened;
  }

  function adopt(ranges: readonly SlotRange[], asked: string): void {
    const next: typeof holders = new Array(SLOTS);
    const [askedHost] = asked.split(/:(?=\d+$)/);
    for (const [first, last, [host, port]] of ranges) {
      // A node that does not know its own address leaves it out.
      next.fill(node(`${host || askedHost}:${port}`), first, last + 1);
    }
    holders = next;
  }

  async function ask(address: string): Promise<boolean> {
    try {
      const { connection } = node(address);
      connection.epoch();
      const ranges = (await connection.ask(() => connection.client.cluster('SLOTS'))) as unknown as SlotRange[];
      if (isClosed || ranges.length === 0) return false;
      adopt(ranges, address);
      return true;
    } catch (error) {
      warn({ err: error, address }, 'a node of the redis cluster does not tell who holds what');
      return false;
    }
  }

  async function refresh(address?: string): Promise<void> {
    const known = [...nodes.keys()].filter((other) => other !== address);
    for (const candidate of address === undefined ? known : [address, ...known]) if (await ask(candidate)) return;
  }

  function refreshOnce(address?: string): Promise<void> {
    refreshing ??= refresh(address).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function keepFresh(): Promise<void> {
    await refreshOnce();
    if (!isClosed) timer = setTimeout(keepFresh, holders.length === 0 ? FIRST_REFRESH_MS : REFRESH_MS);
  }

  for (const url of urls) node(new URL(url).host);
  void keepFresh();

  return {
    holderOf(slot) {
      const holder = holders[slot];
      if (holder === undefined) throw unavailable('Nobody is known to hold this slot of Redis.');
      return holder;
    },
    node,
    holders: () => [...new Set(holders)].filter((holder) => holder !== undefined),
    refresh: refreshOnce,
    close() {
      isClosed = true;
      clearTimeout(timer);
      for (const { connection } of nodes.values()) connection.close();
    },
  };
}

import { Command, ReplyError } from 'ioredis';
import { unavailable } from '#kit/errors.ts';
import { redisAttributes } from '#kit/observability/semantics.ts';
import { SpanKind, withSpan } from '#kit/observability/trace.ts';
import type { RedisConnection } from '#kit/redis/connection.ts';
import type { Argument, Redis, Reply, Script } from '#kit/redis/redis.ts';

const [MGET, SET, PEXPIRE] = ['MGET', 'SET', 'PEXPIRE'].map((name) => redisAttributes(name));

/**
 * Redis by one connection.
 * @param options.asking for keys of a slot that is on its way to this node of a cluster: they bear the name of the node that
 * holds it until it is there
 * @param options.onFailure is told of each operation that fails
 */
export function useConnection(
  connection: RedisConnection,
  { asking = false, onFailure }: { asking?: boolean; onFailure?: (() => void) | undefined } = {},
): Redis {
  const { client } = connection;

  /** What the server refuses is a fault of ours and stays as it is; all else means that it is away. */
  async function reach<Result>(keys: readonly string[], send: () => Promise<Result>): Promise<Result> {
    // A key that was named before the connection broke belongs to another epoch than the one it would be sent to.
    const mark = `:${epoch()}:`;
    if (!asking && !keys.every((key) => key.includes(mark))) {
      onFailure?.();
      throw unavailable('Redis has been restarted.');
    }
    try {
      return await connection.ask(send);
    } catch (error) {
      onFailure?.();
      throw error instanceof ReplyError ? error : unavailable('Redis is away.', error);
    }
  }

  function epoch(): string {
    try {
      return connection.epoch();
    } catch (error) {
      onFailure?.();
      throw error;
    }
  }

  /** Before each command that is sent. */
  function ask(): void {
    if (asking) client.call('ASKING').catch(() => undefined);
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
    ask();
    return (await client.sendCommand(new Command(name, args, { replyEncoding: null }))) as Reply;
  }

  return {
    key: (prefix, id) => `${prefix}:${epoch()}:{${id}}`,
    run: (script, keys, args) =>
      withSpan(
        `redis ${script.name}`,
        SpanKind.CLIENT,
        () => redisAttributes(script.readOnly ? 'EVALSHA_RO' : 'EVALSHA', script.name),
        () => reach(keys, () => evaluate(script, keys, args)),
      ),
    getMany: (keys) =>
      withSpan('redis MGET', SpanKind.CLIENT, MGET, async () =>
        keys.length === 0
          ? []
          : reach(keys, () => {
              ask();
              return client.mgetBuffer(...keys);
            }),
      ),
    set: (key, value, ttlMs) =>
      withSpan('redis SET', SpanKind.CLIENT, SET, () =>
        reach([key], async () => void (await command('set', [key, value, 'PX', ttlMs]))),
      ),
    expire: (key, ttlMs) =>
      withSpan('redis PEXPIRE', SpanKind.CLIENT, PEXPIRE, () =>
        reach([key], async () => void (await command('pexpire', [key, ttlMs]))),
      ),
    groupBySlot: (items) => (items.length === 0 ? [] : [[...items]]),
    isThere: connection.isThere,
    ping: () => reach([], async () => void (await client.ping())),
    close: async () => connection.close(),
  };
}

import { join } from 'node:path';

/** Where servers of ours are reached through the file system; undefined where the path would be too long. */
export type Sockets = {
  readonly postgresDir: string | undefined;
  readonly redisPath: string | undefined;
  readonly limitsRedisPath: string | undefined;
  readonly ratelimitPath: string | undefined;
};

/** The kernel takes at most 107 bytes for the path of a socket; Postgres adds a name of its own to its folder. */
const maxPathBytes = 107;
const postgresNameBytes = '/.s.PGSQL.65535.lock'.length;

/** @param stateDir of the stack */
export function socketsOf(stateDir: string): Sockets {
  const postgresDir = join(stateDir, 'run/postgres');
  return {
    postgresDir: Buffer.byteLength(postgresDir) + postgresNameBytes <= maxPathBytes ? postgresDir : undefined,
    redisPath: unlessTooLong(join(stateDir, 'data/redis/redis.sock')),
    limitsRedisPath: unlessTooLong(join(stateDir, 'data/redis-limits/redis.sock')),
    ratelimitPath: unlessTooLong(join(stateDir, 'run/ratelimit/ratelimit.sock')),
  };
}

function unlessTooLong(path: string): string | undefined {
  return Buffer.byteLength(path) <= maxPathBytes ? path : undefined;
}

/** The URL with a query parameter, by which clients of Postgres (host) and Redis (path) take a socket instead of a port. */
export function withParameter(url: string, name: string, value: string | undefined): string {
  return value === undefined ? url : `${url}?${name}=${encodeURIComponent(value)}`;
}

/**
 * What one service under test is made of: the parts that `kit/process/start.ts` starts in a process, opened here on real servers of the
 * test's own. What is opened first is closed last.
 */
import { after } from 'node:test';
import { type Clock, systemClock } from '#kit/clock.ts';
import type { Durable } from '#kit/events/consumers/durables.ts';
import { createLogger, type Logger } from '#kit/observability/logger.ts';
import { createMetrics, type Metrics } from '#kit/observability/metrics.ts';
import { connectRedis, type Redis } from '#kit/redis/redis.ts';
import { startBus, type TestBus } from '#kit/testing/bus.ts';
import { createTestDatabase, type TestDatabase, type TestSchema } from '#kit/testing/database.ts';
import { startRedis, startRedisCluster } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';

export interface TestClock extends Clock {
  /** Moves it on; until then it goes with the machine's. */
  advance(ms: number): void;
}

export interface TestContext {
  /** The name of the service. */
  service: string;
  clock: TestClock;
  logger: Logger;
  /** Everything that was logged so far, at level trace. */
  log(): string;
  metrics: Metrics;
  onStop(close: () => unknown): void;
  /** Closes everything, in reverse order. */
  close(): Promise<void>;
}

/** Those of this file whose parts are not closed. */
const open = new Set<TestContext>();

// A `before` that fails leaves a file without what its `after` would close, and what is open would keep its process waiting.
after(async () => {
  for (const context of open) await context.close();
});

/** Nothing is opened yet. What is, the end of the file closes at the latest. */
export function createTestContext(service: string): TestContext {
  let offsetMs = 0;
  let lines = '';
  const destination = {
    write(line: string) {
      lines += line;
    },
  };
  const closers: (() => unknown)[] = [];
  const context: TestContext = {
    service,
    clock: {
      nowMs: () => systemClock.nowMs() + offsetMs,
      advance(ms) {
        offsetMs += ms;
      },
    },
    logger: createLogger({ service, level: 'trace', destination }),
    log: () => lines,
    metrics: createMetrics(),
    onStop: (close) => void closers.push(close),
    async close() {
      open.delete(context);
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
  open.add(context);
  return context;
}

/** The service's schema in a database of its own. @param poolSize as in `createTestDatabase` */
export async function openTestDatabase(
  context: TestContext,
  schema: TestSchema,
  poolSize?: number,
): Promise<Pick<TestDatabase, 'db' | 'url'>> {
  const { close, ...database } = await createTestDatabase(schema, poolSize);
  context.onStop(close);
  return database;
}

export interface OpenTestRedis {
  redis: Redis;
  redisUrl: string;
  /** Of a cluster; 1 when it is one server. */
  redisNodes: number;
  /** Kills the server, or one node of it; resolves when the service has noticed. */
  killRedis(node?: number): Promise<void>;
  /** Brings it back, empty, as after a kill in production; resolves when the service has it again. */
  restartRedis(node?: number): Promise<void>;
}

/** @param isCluster of three nodes, which die together; by default what TEST_REDIS_CLUSTER says (`./oxo test --redis-cluster`) */
export async function openTestRedis(
  context: TestContext,
  isCluster = process.env.TEST_REDIS_CLUSTER === 'yes',
): Promise<OpenTestRedis> {
  const cluster = isCluster ? await startRedisCluster() : undefined;
  const server = cluster ?? (await startRedis());
  const nodes = cluster?.nodes ?? [server];
  const select = (node: number | undefined) => (node === undefined ? server : (nodes[node] ?? server));
  context.onStop(server.stop);
  const redis = connectRedis(server.url, context.logger);
  context.onStop(redis.close);
  const answers = () =>
    redis.ping().then(
      () => true,
      () => false,
    );
  await until('redis is connected', answers);
  return {
    redis,
    redisUrl: server.url,
    redisNodes: nodes.length,
    async killRedis(node) {
      await select(node).kill();
      await until('the loss of redis is noticed', async () => !(await answers()));
    },
    async restartRedis(node) {
      await select(node).restart();
      await until('redis is back', answers);
    },
  };
}

/** A NATS server with our streams and these durables. */
export async function openTestBus(context: TestContext, durables: readonly Durable[] = []): Promise<TestBus> {
  const bus = await startBus({ durables });
  context.onStop(bus.stop);
  return bus;
}

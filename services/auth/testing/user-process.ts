/**
 * The real user service as a process of its own, on its own database, with the Redis and NATS that it needs.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connectNats } from '#kit/events/nats.ts';
import { ensureStreams } from '#kit/events/streams.ts';
import { createLogger } from '#kit/logger.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { startNats } from '#kit/testing/nats.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startNode } from '#kit/testing/process.ts';
import { startRedis } from '#kit/testing/redis.ts';

export interface TestUserProcess {
  /** host:port of its gRPC server. */
  address: string;
  natsUrl: string;
  /** Ends the process, as if the user service were away, and starts it again on the same port. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** @param options say whose tokens it trusts */
export async function startUserProcess(options: { jwksUrl: string; issuer: string }): Promise<TestUserProcess> {
  const database = await createTestDatabase({ entities: [], migrations: [] });
  await promisify(execFile)(process.execPath, ['services/user/migrate.ts', 'up'], {
    env: { PATH: process.env.PATH, DATABASE_URL: database.url },
  });
  const [redis, nats] = await Promise.all([startRedis(), startNats()]);
  const logger = createLogger({ service: 'test', level: 'silent' });
  const admin = await connectNats({ url: nats.url(), name: 'test', logger });
  await ensureStreams(admin.connection);
  await admin.close();
  const [grpcPort, opsPort] = [await freePort(), await freePort()];
  const start = () =>
    startNode({
      args: ['services/user/main.ts'],
      readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
      env: {
        ...{ GRPC_HOST: '127.0.0.1', GRPC_PORT: String(grpcPort), OPS_HOST: '127.0.0.1', OPS_PORT: String(opsPort) },
        ...{ DATABASE_URL: database.url, REDIS_URL: redis.url, NATS_URL: nats.url() },
        ...{ JWKS_URL: options.jwksUrl, JWT_ISSUER: options.issuer },
      },
    });
  let user = await start();

  return {
    address: `127.0.0.1:${grpcPort}`,
    natsUrl: nats.url(),
    kill: async () => void (await user.stop('SIGKILL')),
    async restart() {
      user = await start();
    },
    async stop() {
      await user.stop();
      await nats.stop();
      await redis.stop();
      await database.close();
    },
  };
}

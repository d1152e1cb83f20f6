import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectNats } from '#kit/events/nats.ts';
import { ensureStreams } from '#kit/events/streams.ts';
import { createLogger } from '#kit/logger.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { startNats } from '#kit/testing/nats.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startNode } from '#kit/testing/process.ts';
import type { TestIssuer } from '#kit/testing/tokens.ts';

/** The user service as a process of its own, with its own database and NATS. */
export interface UserServiceProcess {
  /** host:port of its gRPC server. */
  address: string;
  close(): Promise<void>;
}

export async function startUserService(issuer: TestIssuer, redisUrl: string): Promise<UserServiceProcess> {
  const [nats, database, keys] = await Promise.all([
    startNats(),
    createTestDatabase({ entities: [], migrations: [] }),
    serveKeys(issuer),
  ]);
  const admin = await connectNats({
    url: nats.url(),
    name: 'test',
    logger: createLogger({ service: 't', level: 'silent' }),
  });
  await ensureStreams(admin.connection);
  await admin.close();
  const migration = await startNode({ args: ['services/user/migrate.ts', 'up'], env: { DATABASE_URL: database.url } });
  if ((await migration.exited) !== 0) throw new Error(`the user service's schema is not there: ${migration.output()}`);
  const [port, opsPort] = [await freePort(), await freePort()];
  const service = await startNode({
    args: ['--import', './mesh/kit/telemetry.ts', 'services/user/main.ts'],
    env: {
      GRPC_HOST: '127.0.0.1',
      GRPC_PORT: String(port),
      OPS_HOST: '127.0.0.1',
      OPS_PORT: String(opsPort),
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      NATS_URL: nats.url(),
      JWKS_URL: keys.url,
      JWT_ISSUER: issuer.issuer,
    },
    readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
  });
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      await service.stop();
      keys.close();
      await Promise.all([nats.stop(), database.close()]);
    },
  };
}

async function serveKeys({ jwks }: TestIssuer): Promise<{ url: string; close(): void }> {
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

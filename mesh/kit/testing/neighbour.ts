/**
 * A service that the one under test calls, as a process of its own: its own database, and the Redis and NATS of the test.
 */

import type { TestContext } from '#kit/testing/context.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startNode } from '#kit/testing/process.ts';

/** An address where nobody listens. */
const NOBODY = '127.0.0.1:1';

export interface Neighbour {
  /** host:port of its gRPC server. */
  address: string;
  /** Ends the process without a chance to clean up. */
  kill(): Promise<void>;
  /** Starts it again after a kill, on the same port. */
  restart(): Promise<void>;
  /** Whether it has all that it needs. */
  isReady(): Promise<boolean>;
  /** What it has logged since it was started; the end of it, when it is much. */
  log(): string;
}

export interface NeighbourOptions {
  /** Name of its folder in services/. */
  name: string;
  redisUrl: string;
  natsUrl: string;
  /** Whose tokens it trusts. */
  jwksUrl: string;
  issuer: string;
  /** Where it listens; any free port when absent. For services that must know each other from the start. */
  grpcPort?: number;
  /** Settings that only this service has. */
  env?: Readonly<Record<string, string>>;
}

/** Starts a service that has a schema, and waits until it is ready. */
export async function startNeighbour(context: TestContext, options: NeighbourOptions): Promise<Neighbour> {
  const folder = `services/${options.name}`;
  const database = await createTestDatabase({ entities: [], migrations: [] });
  context.onStop(database.close);
  const migration = await startNode({ args: [`${folder}/migrate.ts`, 'up'], env: { DATABASE_URL: database.url } });
  if ((await migration.exited) !== 0) throw new Error(`${folder} has no schema: ${migration.output()}`);
  const [grpcPort, opsPort] = [options.grpcPort ?? (await freePort()), await freePort()];
  const readyUrl = `http://127.0.0.1:${opsPort}/readyz`;
  const start = () =>
    startNode({
      args: ['--import', './mesh/kit/observability/telemetry.ts', `${folder}/main.ts`],
      readyUrl,
      env: {
        ...{ GRPC_HOST: '127.0.0.1', GRPC_PORT: String(grpcPort), OPS_HOST: '127.0.0.1', OPS_PORT: String(opsPort) },
        ...{ DATABASE_URL: database.url, REDIS_URL: options.redisUrl, NATS_URL: options.natsUrl },
        ...{ JWKS_URL: options.jwksUrl, JWT_ISSUER: options.issuer },
        // The user service calls auth only when an account is deleted.
        ...{ AUTH_GRPC_ADDRESS: NOBODY, SERVICE_SECRET: 'any' },
        ...options.env,
      },
    });
  let service = await start();
  context.onStop(() => service.stop());
  return {
    address: `127.0.0.1:${grpcPort}`,
    kill: async () => void (await service.stop('SIGKILL')),
    async restart() {
      service = await start();
    },
    log: () => service.output(),
    isReady: async () => (await fetch(readyUrl)).ok,
  };
}

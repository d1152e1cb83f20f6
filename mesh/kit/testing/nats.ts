/**
 * A real NATS server with JetStream for tests. Needs TEST_NATS_BINARY.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsAccounts } from '#kit/events/jetstream/accounts.ts';
import type { NatsPermissions } from '#kit/events/jetstream/permissions.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startTestServer, type TestServer } from '#kit/testing/server.ts';

export interface TestNats extends TestServer {
  /** URL of the administrator `oxo`, or of one of the users. */
  url(user?: string): string;
}

/**
 * @param users who may connect besides the administrator, with what they may do; the password is the name
 * @param storeDir for the streams; by default in the server's directory
 */
export async function startNats(
  users: Readonly<Record<string, NatsPermissions>> = {},
  storeDir?: string,
): Promise<TestNats> {
  const [port, monitorPort] = [await freePort(), await freePort()];
  const server = await startTestServer({
    binaryVariable: 'TEST_NATS_BINARY',
    prepare: async (directory) => {
      const path = join(directory, 'nats.conf');
      await writeFile(
        path,
        renderConfig({ port, monitorPort, storeDir: storeDir ?? join(directory, 'jetstream'), users }),
      );
      return ['-c', path];
    },
    isReady: async () => (await fetch(`http://127.0.0.1:${monitorPort}/healthz?js-enabled-only=true`)).ok,
  });
  return { ...server, url: (user = 'oxo') => `nats://${user}:${user}@127.0.0.1:${port}` };
}

function renderConfig(options: {
  port: number;
  monitorPort: number;
  storeDir: string;
  users: Readonly<Record<string, NatsPermissions>>;
}): string {
  const users = Object.entries(options.users).map(([user, permissions]) => ({
    ...{ name: user, password: user, service: user },
    permissions,
  }));
  return `
host: "127.0.0.1"
port: ${options.port}
http: "127.0.0.1:${options.monitorPort}"
jetstream { store_dir: ${JSON.stringify(options.storeDir)}, sync_interval: always }
accounts: ${JSON.stringify(natsAccounts({ name: 'oxo', password: 'oxo' }, users))}
`;
}

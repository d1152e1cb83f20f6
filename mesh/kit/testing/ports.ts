import { type AddressInfo, createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that is free now, for a server that must be restarted on the same one.
 * What can listen on port 0 should do that instead: somebody else may take this one first.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

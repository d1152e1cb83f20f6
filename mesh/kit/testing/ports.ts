import { createServer } from 'node:net';

/** Below the range from which the kernel takes ports for whoever connects or listens on port 0, and below those of whole stacks. */
const LOWEST = 10_000;
const PORTS = 10_000;
/** How many lie between those of one process and those of the next. */
const PORTS_EACH = 10;

/** Where this process looks next: processes that run at the same time begin at different places, and none uses a port twice. */
let next = process.pid * PORTS_EACH;

/**
 * A port of 127.0.0.1 that is free now, for a server that must be restarted on the same one: while it is down nobody is given it by chance.
 * What can listen on port 0 should do that instead.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried += 1) {
    const port = LOWEST + (next++ % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${LOWEST} on is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';

export type Lock = { readonly release: () => Promise<void> };

/**
 * Takes a lock of this machine, or says that somebody has it.
 * It is an abstract Unix socket: the kernel gives it back when the holder dies, so there is no stale lock to clean up.
 */
export function tryLock(name: string): Promise<Lock | undefined> {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: `\0oxo-${digest}` }, () => {
      server.unref();
      resolve({ release: () => new Promise((released) => server.close(() => released())) });
    });
  });
}

/**
 * The lock of a state folder by its real path; undefined while somebody has it.
 * Who starts a stack has it, and who moves its data.
 */
export function lockStack(stateDir: string): Promise<Lock | undefined> {
  return tryLock(`stack ${stateDir}`);
}

/**
 * Runs work while holding a lock; waits for its holder.
 * @param onWait called once when the lock is taken by somebody else
 * @throws CliError when it is not free within timeoutMs
 */
export async function withLock<T>(
  name: string,
  timeoutMs: number,
  work: () => Promise<T>,
  onWait: () => void = () => {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let lock = await tryLock(name);
  if (lock === undefined) onWait();
  while (lock === undefined) {
    if (Date.now() > deadline) throw new CliError(`${name} is held by another process for more than ${timeoutMs} ms`);
    await delay(100);
    lock = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

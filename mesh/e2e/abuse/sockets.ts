import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { World } from '../testing/world.ts';

/** Bytes that no library would send, over a bare connection. */
export type RawClient = {
  readonly socket: Socket;
  /** All that has come, as latin1. */
  readonly received: () => string;
  /** Writes, unless the other end has had enough. Resolves when there is room for more. */
  readonly send: (bytes: string | Buffer) => Promise<void>;
  /** Whether the other end has closed the connection. */
  readonly isClosed: () => boolean;
  /** Resolves when the other end closes, or goes silent for that long after it has answered; when it never does, after `patienceMs`. */
  readonly finished: (silenceMs: number) => Promise<void>;
  readonly destroy: () => void;
};

/** For a first answer: a machine under other work is slow. */
const patienceMs = 30_000;

export function addressOf({ stack }: World): { host: string; port: number } {
  const { hostname, port } = new URL(stack.urls.frontDoor);
  return { host: hostname, port: Number(port) };
}

export async function openRaw(world: World): Promise<RawClient> {
  const { host, port } = addressOf(world);
  const socket = connect({ host, port, noDelay: true });
  let received = '';
  let closed = false;
  let lastMs = performance.now();
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    lastMs = performance.now();
  });
  // A reset is an answer too.
  socket.on('error', () => {
    closed = true;
  });
  socket.on('close', () => {
    closed = true;
  });
  socket.on('end', () => {
    closed = true;
  });
  await once(socket, 'connect');
  const waitFor = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    socket,
    received: () => received,
    async send(bytes) {
      if (closed || socket.destroyed) return;
      if (socket.write(bytes as string, 'latin1')) return;
      while (!closed && socket.writableNeedDrain) await waitFor(5);
    },
    isClosed: () => closed,
    async finished(silenceMs) {
      lastMs = performance.now();
      while (!closed && performance.now() - lastMs < (received === '' ? patienceMs : silenceMs)) await waitFor(10);
    },
    destroy: () => socket.destroy(),
  };
}

/** What comes back for these bytes until the other end closes or is silent for so long. */
export async function exchangeRaw(world: World, bytes: string | Buffer, silenceMs = 1_000): Promise<string> {
  const client = await openRaw(world);
  await client.send(bytes);
  await client.finished(silenceMs);
  client.destroy();
  return client.received();
}

/** Status lines in what came. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

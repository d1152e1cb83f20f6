/**
 * A real Redis-compatible server for tests. Needs TEST_REDIS_BINARY.
 */
import { connect } from 'node:net';
import { freePort } from '#kit/testing/ports.ts';
import { startTestServer, type TestServer } from '#kit/testing/server.ts';

export interface TestRedis extends TestServer {
  readonly url: string;
}

/** Keeps nothing on disk: after a kill it comes back empty, as in production. @param args more settings, such as `--user …`. */
export async function startRedis(args: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort();
  const server = await startTestServer({
    binaryVariable: 'TEST_REDIS_BINARY',
    prepare: async (directory) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...['--save', '', '--appendonly', 'no', ...args],
    ],
    isReady: () => answersPing(port),
  });
  return { ...server, url: `redis://127.0.0.1:${port}` };
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 }, () => socket.write('PING\r\n'));
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error('no answer to PING')));
    socket.once('data', (data) => {
      socket.destroy();
      // Users with passwords are refused until they sign in; the server is there nevertheless.
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString('latin1')));
    });
  });
}

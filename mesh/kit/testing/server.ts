/**
 * A real server of a test: on a port and in a directory that survive a kill and a restart.
 */
import { constants } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, type TestProcess } from '#kit/testing/process.ts';
import { until } from '#kit/testing/until.ts';

export interface TestServer {
  /** Ends it without a chance to clean up. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and directory. */
  restart(): Promise<void>;
  /** Stops it and removes its directory. */
  stop(): Promise<void>;
}

/**
 * @param binaryVariable name of the environment variable that holds the binary's path
 * @param prepare is given the new directory and gives the arguments
 * @param isReady resolves to true, or fails, until the server can be used
 */
export async function startTestServer(options: {
  binaryVariable: string;
  prepare(directory: string): Promise<readonly string[]>;
  isReady(): Promise<boolean>;
}): Promise<TestServer> {
  const binary = await findBinary(options.binaryVariable);
  const directory = await mkdtemp(join(tmpdir(), 'oxo-test-'));
  const args = await options.prepare(directory);
  let server: TestProcess;

  const start = async (): Promise<void> => {
    server = startProcess({ command: binary, args, cwd: directory });
    let ended = false;
    void server.exited.then(() => {
      ended = true;
    });
    try {
      await until(`${binary} is ready`, async () => ended || options.isReady());
      if (ended) throw new Error('it ended');
    } catch (error) {
      await server.stop('SIGKILL');
      throw new Error(`${binary} did not become ready:\n${server.output()}`, { cause: error });
    }
  };
  await start();
  return {
    kill: async () => void (await server.stop('SIGKILL')),
    restart: async () => {
      await server.stop('SIGKILL');
      await start();
    },
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function findBinary(variable: string): Promise<string> {
  const path = process.env[variable];
  if (path === undefined || path === '') throw new Error(`${variable} is not set: it must name the server's binary`);
  await access(path, constants.X_OK).catch((cause: unknown) => {
    throw new Error(`${variable}: ${path} is not a program that can be run`, { cause });
  });
  return path;
}

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ratelimit } from '../parts/built.ts';
import { ensureParts } from '../parts/fetch.ts';
import { findFreePortBase } from '../ports.ts';
import { testRunVariable } from '../servers/environment.ts';
import { adminUrl, preparePostgres } from '../servers/postgres.ts';
import { readCacheDir } from '../settings.ts';
import { logPathOf } from '../supervisor/group.ts';
import { processesWithEnvironment, signal } from '../supervisor/proc.ts';
import { supervise } from '../supervisor/process.ts';

/** Settings of the person who runs the tests must not reach them. */
const foreign = /^(OXO_(?!CACHE_DIR)|OTEL_)|^(DATABASE_URL|REDIS_URL|LIMITS_REDIS_URL|NATS_URL|LOG_LEVEL)$/;

export type TestEnvironment = {
  /** Stops the server and kills what tests left running. Returns the ids of those processes. */
  readonly close: () => Promise<number[]>;
};

/**
 * Starts one Postgres for all tests of a run, and says in this process's environment (which the tests inherit) where the
 * servers are: TEST_DATABASE_URL (a superuser's), TEST_NATS_BINARY, TEST_REDIS_BINARY, TEST_ENVOY_BINARY,
 * TEST_RATELIMIT_BINARY.
 */
export async function openTestEnvironment(env: NodeJS.ProcessEnv): Promise<TestEnvironment> {
  for (const name of Object.keys(env)) if (foreign.test(name)) delete env[name];
  const [programs, ratelimitProgram] = await Promise.all([
    ensureParts(readCacheDir(env), ['postgres', 'redis', 'nats', 'envoy']),
    ensureBuilt(readCacheDir(env), ratelimit),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'oxo-test-'));
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  // Postgres may run as another user, who must be able to enter.
  for (const path of [folder, temporary]) await chmod(path, 0o755);
  const port = await findFreePortBase();
  const password = randomBytes(16).toString('hex');
  const spec = await preparePostgres({
    program: programs.postgres ?? '',
    dataDir: join(folder, 'postgres'),
    socketDir: join(folder, 'run'),
    logPath: logPathOf(folder, 'postgres'),
    port,
    password,
    maxConnections: 300,
    // Its data ends with the run; tests of durability start stacks of their own.
    durable: false,
  });
  const postgres = supervise(spec);
  const mark = randomBytes(8).toString('hex');
  Object.assign(env, {
    TEST_DATABASE_URL: adminUrl(port, password, 'postgres'),
    TEST_NATS_BINARY: programs.nats,
    TEST_REDIS_BINARY: programs.redis,
    TEST_ENVOY_BINARY: programs.envoy,
    TEST_RATELIMIT_BINARY: ratelimitProgram,
    [testRunVariable]: mark,
    // Whatever tests leave on the disk goes with the run.
    TMPDIR: temporary,
  });
  await postgres.ready();
  return {
    close: async () => {
      const left = killLeftovers(mark);
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
      return left;
    },
  };
}

function killLeftovers(mark: string): number[] {
  const left = processesWithEnvironment(`${testRunVariable}=${mark}`).filter(({ pid }) => pid !== process.pid);
  for (const identity of left) signal(identity, 'SIGKILL');
  return left.map(({ pid }) => pid);
}

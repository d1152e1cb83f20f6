import { relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { repositoryRoot } from '../settings.ts';
import type { TestFile } from './files.ts';
import type { Failure, Outcome } from './outcome.ts';

/** How long things may take, on a machine that does much else. What hangs by itself is told by the limits of `until`. */
export type Limits = {
  readonly testMs: number;
  /** A file whose process does not end by itself left something open. */
  readonly fileMs: number;
};

export const defaultLimits: Limits = { testMs: 480_000, fileMs: 1_800_000 };
const maxOutputLength = 20_000;
/** What Node itself tells at the end of a file. */
const ofTheRunner = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** Runs the tests of one file in a process of its own. */
export async function runFile({ path, isOnCluster }: TestFile, limits: Limits = defaultLimits): Promise<Outcome> {
  const name = `${relative(repositoryRoot, path)}${isOnCluster ? ' (cluster)' : ''}`;
  const env = isOnCluster ? { ...process.env, TEST_REDIS_CLUSTER: 'yes' } : process.env;
  const startedAtMs = performance.now();
  const failures: Failure[] = [];
  const skipped: string[] = [];
  const notes: string[] = [];
  let passed = 0;
  let output = '';
  const events = run({ files: [path], env, timeout: limits.testMs, signal: AbortSignal.timeout(limits.fileMs) });
  // Suites hold tests and are none; a test named as its file stands for the process.
  const isTest = (data: { name: string; details: { type?: string | undefined } }): boolean =>
    data.details.type !== 'suite' && data.name !== path;
  events.on('test:pass', (data) => {
    if (!isTest(data)) return;
    if (data.skip === undefined && data.todo === undefined) passed += 1;
    else skipped.push(typeof data.skip === 'string' ? `${data.name} (${data.skip})` : data.name);
  });
  events.on('test:fail', (data) => {
    if (data.details.type === 'suite' && isOfItsTests(data.details.error)) return;
    failures.push({ name: data.name === path ? 'the file itself' : data.name, message: describe(data.details.error) });
  });
  events.on('test:diagnostic', ({ message }) => {
    if (!ofTheRunner.test(message)) notes.push(message);
  });
  const keep = (data: { message: string }): void => {
    output = `${output}${data.message}`.slice(-maxOutputLength);
  };
  events.on('test:stdout', keep);
  events.on('test:stderr', keep);
  // Events arrive while the stream is read.
  events.resume();
  await new Promise<void>((resolve) => events.once('close', resolve));
  if (passed + failures.length + skipped.length === 0) {
    failures.push({ name: 'the file itself', message: 'it ran no test, or its process ended before it did' });
  }
  return { name, passed, failures, skipped, notes, ms: performance.now() - startedAtMs, output };
}

/** A suite fails with each of its tests, and by itself when a hook fails. */
function isOfItsTests(error: unknown): boolean {
  return (error as { failureType?: string }).failureType === 'subtestsFailed';
}

function describe(error: Error): string {
  const cause: unknown = error.cause ?? error;
  if (typeof cause === 'string') return cause;
  return inspect(cause, { depth: 3, maxStringLength: 2_000, breakLength: 120 });
}

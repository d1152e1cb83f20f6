import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { checks, runCheck } from '../tests/checks.ts';
import { openTestEnvironment } from '../tests/environment.ts';
import { findFiles, type TestFile } from '../tests/files.ts';
import { closingLine, describeOutcome, type Outcome } from '../tests/outcome.ts';
import { defaultLimits, type Limits, runFile } from '../tests/run-file.ts';

/** Files of tests that run at the same time. */
const filesAtOnce = 2;

export const command: Command = {
  usage: `usage: ./oxo test [--runs N] [--seed N] [--redis-cluster] [FILTER...]

Runs the checks (biome, tsc, buf) and all tests, with real servers that it starts itself. The last line is
"N passed, N failed"; exit code 0 only when all passed and there was something to run. Without FILTER the tests of what a feed is
made of run twice: on one Redis, and on a Redis Cluster of three nodes ("(cluster)").

  FILTER    only the files of tests whose path holds one of these texts; no checks then
  --runs N  random histories of e2e/model, instead of 200: ./oxo test --runs 5000 e2e/model
  --seed N  of the first of them: a history that has shown something is seen again
  --redis-cluster  all services are tested on a Redis Cluster instead of one server`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const flags = { runs: { type: 'string' }, seed: { type: 'string' }, 'redis-cluster': { type: 'boolean' } } as const;
  const { positionals: filters, values } = parseFlags(argv, flags, Number.POSITIVE_INFINITY);
  const runs = readNumber('runs', values.runs);
  const seed = readNumber('seed', values.seed);
  // By the environment: tests run in processes of their own.
  if (runs !== undefined) process.env.MODEL_RUNS = String(runs);
  if (seed !== undefined) process.env.MODEL_SEED = String(seed);
  const outcomes: Outcome[] = [];
  const report = (outcome: Outcome): void => {
    outcomes.push(outcome);
    console.log(describeOutcome(outcome));
  };
  if (filters.length === 0) for (const check of checks) report(await runCheck(check));
  const files = findFiles(filters, values['redis-cluster'] === true);
  await runFiles(files, limitsFor(runs), report);

  for (const { name, skipped } of outcomes) for (const test of skipped) console.log(`skipped: ${name}: ${test}`);
  const failed = outcomes.filter((outcome) => outcome.failures.length > 0);
  for (const outcome of failed) console.log(`failed: ${outcome.name}`);
  if (outcomes.length === 0) console.log(`no test has "${filters.join('" or "')}" in its path`);
  console.log(closingLine(outcomes));
  return failed.length === 0 && outcomes.length > 0 ? 0 : 1;
}

function readNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined || /^\d{1,10}$/.test(value)) return value === undefined ? undefined : Number(value);
  throw new CliError(`--${name} must be a number, not "${value}"`, { exitCode: 2 });
}

/** Two seconds a history, on a machine that does other work. */
function limitsFor(runs = 0): Limits {
  const moreMs = runs * 2_000;
  return { testMs: defaultLimits.testMs + moreMs, fileMs: defaultLimits.fileMs + moreMs };
}

async function runFiles(files: readonly TestFile[], limits: Limits, report: (outcome: Outcome) => void): Promise<void> {
  if (files.length === 0) return;
  const environment = await openTestEnvironment(process.env);
  const stop = async (): Promise<void> => {
    const left = await environment.close();
    if (left.length > 0) console.log(`killed what tests left running: ${left.join(', ')}`);
  };
  const interrupted = (): void => void stop().finally(() => process.exit(1));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const waiting = [...files];
    const worker = async (): Promise<void> => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) report(await runFile(file, limits));
    };
    await Promise.all(Array.from({ length: filesAtOnce }, worker));
  } finally {
    await stop();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

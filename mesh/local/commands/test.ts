import { globSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, parseFlags } from '../command.ts';
import { repositoryRoot } from '../settings.ts';
import { checks, runCheck } from '../tests/checks.ts';
import { openTestEnvironment } from '../tests/environment.ts';
import { closingLine, describeOutcome, type Outcome } from '../tests/outcome.ts';
import { runFile } from '../tests/run-file.ts';

/** Files of tests that run at the same time. */
const filesAtOnce = 2;

export const command: Command = {
  usage: `usage: ./oxo test [FILTER...]

Runs the checks (biome, tsc, buf) and all tests, with real servers that it starts itself. The last line is
"N passed, N failed"; exit code 0 only when all passed and there was something to run.

  FILTER  only the files of tests whose path holds one of these texts; no checks then`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { positionals: filters } = parseFlags(argv, {}, Number.POSITIVE_INFINITY);
  const outcomes: Outcome[] = [];
  const report = (outcome: Outcome): void => {
    outcomes.push(outcome);
    console.log(describeOutcome(outcome));
  };
  if (filters.length === 0) for (const check of checks) report(await runCheck(check));
  await runFiles(findFiles(filters), report);

  for (const { name, skipped } of outcomes) for (const test of skipped) console.log(`skipped: ${name}: ${test}`);
  const failed = outcomes.filter((outcome) => outcome.failures.length > 0);
  for (const outcome of failed) console.log(`failed: ${outcome.name}`);
  if (outcomes.length === 0) console.log(`no test has "${filters.join('" or "')}" in its path`);
  console.log(closingLine(outcomes));
  return failed.length === 0 && outcomes.length > 0 ? 0 : 1;
}

async function runFiles(files: readonly string[], report: (outcome: Outcome) => void): Promise<void> {
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
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) report(await runFile(file));
    };
    await Promise.all(Array.from({ length: filesAtOnce }, worker));
  } finally {
    await stop();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

function findFiles(filters: readonly string[]): string[] {
  const found = globSync('{gateway,mesh,services}/**/*.test.ts', { cwd: repositoryRoot });
  const wanted = found.filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)));
  return wanted.sort().map((path) => join(repositoryRoot, path));
}

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { systemClock } from '#kit/clock.ts';
import { CliError, messageOf } from '../local/cli/cli-error.ts';
import { createProgress } from '../local/cli/progress.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { startLoadProcess } from './load/load-process.ts';
import { type BenchOptions, readBenchOptions } from './options.ts';
import { profileParts } from './profile/profile-run.ts';
import type { BenchResults } from './report/results.ts';
import { renderResults } from './report/table.ts';
import { measureRunningStack, prepare, type Tools } from './running-stack-parts.ts';
import { findRunningStack } from './servers/running-stack.ts';

const exitCodeInterrupted = 130;

/**
 * Measures the main paths of the stack that runs here, and prints each figure beside its budget.
 * @returns the exit code: 0 when everything could be measured, however fast it was; 1 when posts were lost or doubled
 * @throws CliError on wrong flags, when no stack runs, or when requests fail
 */
export async function runBench(argv: readonly string[]): Promise<number> {
  const options = readBenchOptions(argv);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const progress = createProgress();
  const load = startLoadProcess();
  interrupted.signal.addEventListener('abort', load.stop, { once: true });
  const tools = { load, progress, signal: interrupted.signal };
  try {
    if (options.profileDir !== undefined) {
      console.log(`\n${await profileRunningStack(options, options.profileDir, tools)}`);
      return 0;
    }
    const results = await measureAll(options, tools);
    console.log(`\n${renderResults(results)}`);
    if (options.jsonPath !== undefined) writeResults(options.jsonPath, results);
    const { lost = 0, doubles = 0 } = results.stack?.acknowledged ?? {};
    return lost + doubles === 0 ? 0 : 1;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    progress.stop();
    console.error('stopped; nothing was measured to its end');
    return exitCodeInterrupted;
  } finally {
    progress.stop();
    load.stop();
    process.off('SIGINT', interrupt);
  }
}

async function measureAll(options: BenchOptions, tools: Tools): Promise<BenchResults> {
  const startedAt = new Date(systemClock.nowMs()).toISOString();
  const isStackNeeded = [...options.parts].some((part) => part !== 'growth');
  const stack = isStackNeeded
    ? await measureRunningStack(options, await findRunningStack(process.env), tools)
    : undefined;
  const growth = options.parts.has('growth')
    ? await measureGrowth(options.growthSizes, options.seconds, tools)
    : undefined;
  const machine = { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, node: process.versions.node };
  return { startedAt, machine, seconds: options.seconds, stack, growth };
}

async function profileRunningStack(options: BenchOptions, directory: string, tools: Tools): Promise<string> {
  const stack = await findRunningStack(process.env);
  return profileParts(options.parts, await prepare(options, stack, stack.processes(), tools), directory);
}

function writeResults(path: string, results: BenchResults): void {
  try {
    writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  } catch (error) {
    throw new CliError(`the results can't be written: ${messageOf(error)}`, { cause: error });
  }
}

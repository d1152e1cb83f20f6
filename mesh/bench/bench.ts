import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '#kit/clock.ts';
import { CliError, messageOf } from '../local/cli-error.ts';
import { createProgress, type Progress } from '../local/demo/progress.ts';
import { memoryOf } from '../local/supervisor/proc.ts';
import { type Crowd, feedRequests, gatherCrowd } from './crowd.ts';
import { type LoadProcess, startLoadProcess } from './load/load-process.ts';
import { checkAcknowledged } from './measure/acknowledged.ts';
import type { MeasureContext } from './measure/context.ts';
import { measureFanOut } from './measure/fan-out.ts';
import { measureFeedReads } from './measure/feed-reads.ts';
import { measureVisibleAtHalfLoad } from './measure/half-load.ts';
import { measurePostWrites } from './measure/post-writes.ts';
import { measureVisible } from './measure/visible.ts';
import { type BenchOptions, readBenchOptions } from './options.ts';
import type { BenchResults } from './report/results.ts';
import { renderResults } from './report/table.ts';
import { type IdleUse, idleUse, readCpu, type ServerProcess } from './servers/cpu.ts';
import { findRunningStack, type RunningStack } from './servers/running-stack.ts';
import { readSafety } from './servers/safety.ts';

const exitCodeInterrupted = 130;
const warmUpSeconds = 5;
const calmMs = 3_000;
const idleMs = 5_000;

/**
 * Measures the main paths of the stack that runs here, and prints each figure beside its budget.
 * @returns the exit code: 0 when everything could be measured, however fast it was; 1 when posts were lost or doubled
 * @throws CliError on wrong flags, when no stack runs, or when requests fail
 */
export async function runBench(argv: readonly string[]): Promise<number> {
  const options = readBenchOptions(argv);
  const stack = await findRunningStack(process.env);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const progress = createProgress();
  const load = startLoadProcess();
  interrupted.signal.addEventListener('abort', load.stop, { once: true });
  try {
    const results = await measureAll(options, stack, { load, progress, signal: interrupted.signal });
    console.log(`\n${renderResults(results)}`);
    if (options.jsonPath !== undefined) writeResults(options.jsonPath, results);
    return results.acknowledged.lost + results.acknowledged.doubles === 0 ? 0 : 1;
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

type Tools = { readonly load: LoadProcess; readonly progress: Progress; readonly signal: AbortSignal };

async function measureAll(options: BenchOptions, stack: RunningStack, tools: Tools): Promise<BenchResults> {
  const startedAt = new Date(systemClock.nowMs()).toISOString();
  const { seconds, viewers } = options;
  const safety = await readSafety(stack.plan.urls);
  const servers = stack.processes();
  const idleMemoryBytes = memoryBytesOf(servers);
  const crowd = await gatherCrowd(stack.plan.urls.frontDoor, viewers, tools.progress, tools.signal);
  await warmUp(stack, crowd, tools);
  const idle = await measureIdle(servers, tools);
  const context: MeasureContext = { stack, crowd, seconds, servers, idle, ...tools };

  const reads = await measureFeedReads(context);
  const { created, ...writes } = await measurePostWrites(context);
  const visibleIdle = await measureVisible(context, 'post → visible, idle');
  const rates = { reads: reads.feed.ratePerSecond, posts: writes.visibleRatePerSecond };
  const visibleHalfLoad = await measureVisibleAtHalfLoad(context, rates);
  const fanOut = await measureFanOut(context);
  const acknowledged = await checkAcknowledged(context, created);
  return {
    ...{ startedAt, viewers, seconds, safety, idleMemoryBytes },
    loadedMemoryBytes: memoryBytesOf(servers),
    ...{ reads, writes, visibleIdle, visibleHalfLoad, fanOut, acknowledged },
    machine: { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, node: process.versions.node },
    idleCpuMsPerSecond: Object.fromEntries([...idle].map(([name, share]) => [name, share * 1_000])),
    serviceStartMs: stack.startMs,
  };
}

/** Everyone reads, so that all have windows; then at random, until the code is hot. */
async function warmUp({ frontDoor }: RunningStack, { viewers }: Crowd, { load, progress }: Tools): Promise<void> {
  const phase = progress.phase('warming up', 2);
  const requests = await feedRequests(viewers, frontDoor);
  const job = { target: frontDoor, connections: 32, requests, expectedStatus: 200 };
  await load.run({ ...job, seconds: 60, inOrder: true, maxRequests: 2 * viewers.length });
  phase.done();
  await load.run({ ...job, seconds: warmUpSeconds });
  phase.end();
}

async function measureIdle(servers: readonly ServerProcess[], { progress, signal }: Tools): Promise<IdleUse> {
  const phase = progress.phase('idle', 1);
  await delay(calmMs, undefined, { signal });
  const before = readCpu(servers);
  await delay(idleMs, undefined, { signal });
  const idle = idleUse(before, readCpu(servers));
  phase.end('');
  return idle;
}

/** Proportional set sizes, by name. */
function memoryBytesOf(servers: readonly ServerProcess[]): Record<string, number> {
  return Object.fromEntries(servers.map(({ name, pid }) => [name, memoryOf(pid)]));
}

function writeResults(path: string, results: BenchResults): void {
  try {
    writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  } catch (error) {
    throw new CliError(`the results can't be written: ${messageOf(error)}`, { cause: error });
  }
}

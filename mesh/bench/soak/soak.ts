import { parseFlags, wholeNumber } from '../../local/cli/command.ts';
import { createProgress } from '../../local/cli/progress.ts';
import { count } from '../../local/cli/statistics.ts';
import { memoryOf } from '../../local/supervisor/proc.ts';
import { type Crowd, feedRequests, gatherCrowd, postRequests } from '../crowd.ts';
import type { LoadJob } from '../load/closed-loop.ts';
import { type LoadProcess, startLoadProcess } from '../load/load-process.ts';
import { findRunningStack, type RunningStack } from '../servers/running-stack.ts';
import { growthOf, renderGrowth, type Sample } from './growth.ts';

const exitCodeInterrupted = 130;
const connections = 32;
const readShare = 0.9;
const intervalSeconds = 10;
const mib = 1024 * 1024;

/**
 * Puts the stack that runs here under full load, nine reads to a post, and prints the memory of every process at each interval and how fast
 * it grows in the second half. Redis and NATS keep what is posted, so theirs grows with it.
 * @returns the exit code
 * @throws CliError on wrong flags, when no stack runs, or when requests fail
 */
export async function runSoak(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, { soak: { type: 'string' }, viewers: { type: 'string', default: '200' } });
  const minutes = wholeNumber('--soak', values.soak ?? '', 1, 24 * 60);
  const viewers = wholeNumber('--viewers', values.viewers, 50, 10_000);
  const stack = await findRunningStack(process.env);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const load = startLoadProcess();
  try {
    const progress = createProgress();
    const crowd = await gatherCrowd(stack.plan.urls.frontDoor, viewers, progress, interrupted.signal);
    progress.stop();
    const samples = await soak({ stack, crowd, load, minutes, signal: interrupted.signal });
    console.log(`\n${renderGrowth(growthOf(samples))}`);
    return interrupted.signal.aborted ? exitCodeInterrupted : 0;
  } finally {
    load.stop();
    process.off('SIGINT', interrupt);
  }
}

type SoakOptions = {
  readonly stack: RunningStack;
  readonly crowd: Crowd;
  readonly load: LoadProcess;
  readonly minutes: number;
  readonly signal: AbortSignal;
};

async function soak({ stack, crowd, load, minutes, signal }: SoakOptions): Promise<Sample[]> {
  const samples = [sampleOf(stack)];
  console.log(`after     requests/s   ${Object.keys(samples[0]?.bytes ?? {}).join('  ')}  (MiB)`);
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < minutes * 60_000 && !signal.aborted) {
    const { ratePerSecond } = await load.run(await jobOf(stack, crowd));
    const sample = sampleOf(stack);
    samples.push(sample);
    const sizes = Object.values(sample.bytes).map((bytes) => (bytes / mib).toFixed(1));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    console.log(`${seconds.toFixed(0).padStart(6)} s  ${count(ratePerSecond).padStart(10)}   ${sizes.join('  ')}`);
  }
  return samples;
}

/** Made anew each time, since tokens expire. */
async function jobOf({ frontDoor: target }: RunningStack, { viewers }: Crowd): Promise<LoadJob> {
  return {
    ...{ target, connections, seconds: intervalSeconds, expectedStatus: 201 },
    requests: await postRequests(viewers, target),
    mixedWith: { share: readShare, requests: await feedRequests(viewers, target), expectedStatus: 200 },
  };
}

function sampleOf(stack: RunningStack): Sample {
  const bytes = stack.processes().map(({ name, pid }) => [name, memoryOf(pid)] as const);
  return { atMs: performance.now(), bytes: Object.fromEntries(bytes) };
}

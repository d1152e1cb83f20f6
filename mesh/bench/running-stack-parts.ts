import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../local/cli/cli-error.ts';
import type { Progress } from '../local/cli/progress.ts';
import { memoryOf } from '../local/supervisor/proc.ts';
import { type Crowd, feedRequests, gatherCrowd } from './crowd.ts';
import type { Created } from './load/closed-loop.ts';
import type { LoadProcess } from './load/load-process.ts';
import { checkAcknowledged } from './measure/acknowledged.ts';
import type { MeasureContext } from './measure/context.ts';
import { measureFanOut } from './measure/fan-out.ts';
import { measureFeedReads } from './measure/feed-reads.ts';
import { findFullRates, measureVisibleAtHalfLoad } from './measure/half-load.ts';
import { measureKeyReads } from './measure/key-reads.ts';
import { measureMixed } from './measure/mixed.ts';
import { measurePostWrites } from './measure/post-writes.ts';
import { measureVisible } from './measure/visible.ts';
import type { BenchOptions } from './options.ts';
import type { StackResults } from './report/results.ts';
import { type IdleUse, idleUse, readCpu, type ServerProcess } from './servers/cpu.ts';
import type { RunningStack } from './servers/running-stack.ts';
import { readSafety } from './servers/safety.ts';

export type Tools = { readonly load: LoadProcess; readonly progress: Progress; readonly signal: AbortSignal };

/** So long that the compiler of Node is done with the path of a read. */
const warmUpSeconds = 15;
const warmUpLimitSeconds = 60;
const calmMs = 3_000;
const idleMs = 5_000;

/** Runs the parts that were asked for on the stack that runs here, by people who sign up for it. */
export async function measureRunningStack(
  options: BenchOptions,
  stack: RunningStack,
  tools: Tools,
): Promise<StackResults> {
  const safety = await readSafety(stack.plan.urls);
  const servers = stack.processes();
  const idleMemoryBytes = memoryBytesOf(servers);
  const context = await prepare(options, stack, servers, tools);
  const figures = await measureParts(options, context);
  return {
    ...{ viewers: options.viewers, safety, replicas: stack.plan.replicas, idleMemoryBytes, ...figures },
    loadedMemoryBytes: memoryBytesOf(servers),
    idleCpuMsPerSecond: Object.fromEntries([...context.idle].map(([name, share]) => [name, share * 1_000])),
    serviceStartMs: stack.startMs,
  };
}

/** Signs people up, lets everything warm up, and finds out what servers use when idle. */
export async function prepare(
  { viewers, seconds }: Pick<BenchOptions, 'viewers' | 'seconds'>,
  stack: RunningStack,
  servers: readonly ServerProcess[],
  tools: Tools,
): Promise<MeasureContext> {
  const crowd = await gatherCrowd(stack.plan.urls.frontDoor, viewers, tools.progress, tools.signal);
  await warmUp(stack, crowd, tools);
  const idle = await measureIdle(servers, tools);
  return { stack, crowd, seconds, servers, idle, ...tools };
}

type Figures = Pick<
  StackResults,
  'reads' | 'keyReads' | 'writes' | 'mixed' | 'visibleIdle' | 'visibleHalfLoad' | 'fanOut' | 'acknowledged'
>;

async function measureParts({ parts }: BenchOptions, context: MeasureContext): Promise<Figures> {
  const reads = parts.has('reads') ? await measureFeedReads(context) : undefined;
  const keyReads = parts.has('keys') ? await measureKeyReads(context) : undefined;
  const writes = parts.has('writes') ? await measurePostWrites(context) : undefined;
  const mixed = parts.has('mixed') ? await measureMixed(context) : undefined;
  const visibleIdle = parts.has('visible') ? await measureVisible(context, 'post → visible, idle') : undefined;
  const measured = { reads: reads?.feed.ratePerSecond, posts: writes?.visibleRatePerSecond };
  const visibleHalfLoad = parts.has('half-load')
    ? await measureVisibleAtHalfLoad(context, await findFullRates(context, measured))
    : undefined;
  const fanOut = parts.has('fan-out') ? await measureFanOut(context) : undefined;
  const byViewers = [...(writes?.created ?? []), ...(mixed?.created ?? [])];
  const byStars = fanOut?.created ?? [];
  const acknowledged =
    byViewers.length + byStars.length > 0 ? await checkAcknowledged(context, { byViewers, byStars }) : undefined;
  return {
    ...{ reads, keyReads, visibleIdle, visibleHalfLoad, acknowledged },
    ...{ writes: withoutCreated(writes), mixed: withoutCreated(mixed), fanOut: withoutCreated(fanOut) },
  };
}

function withoutCreated<F extends { readonly created: readonly Created[] }>(figures: F | undefined) {
  if (figures === undefined) return undefined;
  const { created: _, ...rest } = figures;
  return rest;
}

/** Everyone reads, so that all have windows; then at random, until the code is hot. */
async function warmUp({ frontDoor }: RunningStack, { viewers }: Crowd, { load, progress }: Tools): Promise<void> {
  const phase = progress.phase('warming up', 2);
  const requests = await feedRequests(viewers, frontDoor);
  const job = { target: frontDoor, connections: 32, requests, expectedStatus: 200 };
  const all = { inOrder: true, maxRequests: 2 * viewers.length, seconds: warmUpLimitSeconds };
  const read = await load.run({ ...job, ...all });
  // Whoever has no window would make every fan-out look as if it never ended.
  if (read.requests < all.maxRequests) {
    throw new CliError(`only ${read.requests} of ${all.maxRequests} feeds were read in ${warmUpLimitSeconds} s`);
  }
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
  const bytes: Record<string, number> = {};
  for (const { name, pid } of servers) bytes[name] = (bytes[name] ?? 0) + memoryOf(pid);
  return bytes;
}

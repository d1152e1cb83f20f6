import type { Progress } from '../../local/cli/progress.ts';
import type { Crowd } from '../crowd.ts';
import type { LoadProcess } from '../load/load-process.ts';
import { type CpuReading, type CpuUse, cpuUse, type IdleUse, readCpu, type ServerProcess } from '../servers/cpu.ts';
import type { RunningStack } from '../servers/running-stack.ts';

/** What every measurement uses. */
export type MeasureContext = {
  readonly stack: RunningStack;
  readonly crowd: Crowd;
  readonly load: LoadProcess;
  readonly progress: Progress;
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** The servers as they were at the beginning. */
  readonly servers: readonly ServerProcess[];
  /** What they use when nothing is asked of them. */
  readonly idle: IdleUse;
};

/**
 * Does a piece of work and tells the CPU that servers used meanwhile.
 * @throws Error when one of them has ended meanwhile: its time would be missing
 */
export async function withCpu<Result>(
  servers: readonly ServerProcess[],
  idle: IdleUse,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly cpu: CpuUse }> {
  const before: CpuReading = readCpu(servers);
  const result = await work();
  return { result, cpu: cpuUse(before, readCpu(servers), idle) };
}

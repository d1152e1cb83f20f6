import { count } from '../../local/cli/statistics.ts';
import { followersEach, postRequests } from '../crowd.ts';
import type { Created } from '../load/closed-loop.ts';
import { type MeasureContext, withCpu } from './context.ts';
import { untilCalm, untilInserted } from './inserts.ts';

export type PostWriteFigures = {
  readonly requests: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the end of the writing until the last post was in the last window. */
  readonly backlogSeconds: number;
  /** Until all were visible. */
  readonly visibleRatePerSecond: number;
  readonly insertsPerSecond: number;
  /** Of all servers, until all posts were visible, a post, in ms. */
  readonly cpuMs: number;
  readonly cpuByServerMs: Readonly<Record<string, number>>;
  /** What was acknowledged; a request's place is the author's number. */
  readonly created: readonly Created[];
};

const connections = 16;
/** So long that the compiler of Node is done with what is measured. */
const warmUpSeconds = 15;
/** A post goes into the windows of the followers and of its author. */
const insertsPerPost = followersEach + 1;

/** Writes posts as fast as they are answered, and waits until every follower has every one of them. */
export async function measurePostWrites(context: MeasureContext): Promise<PostWriteFigures> {
  const { stack, crowd, load, servers, idle, seconds, progress, signal } = context;
  const phase = progress.phase('post writes', 1);
  const requests = await postRequests(crowd.viewers, stack.frontDoor);
  const job = { target: stack.frontDoor, connections, requests, expectedStatus: 201, collectIds: true };
  const start = await untilCalm(stack, signal);
  const warm = await load.run({ ...job, seconds: warmUpSeconds });
  const before = await untilInserted(stack, start + warm.requests * insertsPerPost, signal);
  const startedAtMs = performance.now();
  const { result, cpu } = await withCpu(servers, idle, async () => {
    const written = await load.run({ ...job, seconds });
    const writtenAtMs = performance.now();
    await untilInserted(stack, before + written.requests * insertsPerPost, signal);
    return { written, backlogSeconds: (performance.now() - writtenAtMs) / 1_000 };
  });
  const elapsedSeconds = (performance.now() - startedAtMs) / 1_000;
  const { written, backlogSeconds } = result;
  phase.end(`${count(written.requests)} posts`);
  const perPost = Object.entries(cpu.byServerMs).map(([name, ms]) => [name, ms / written.requests] as const);
  return {
    requests: written.requests,
    ratePerSecond: written.ratePerSecond,
    p50Ms: written.p50Ms,
    p99Ms: written.p99Ms,
    backlogSeconds,
    visibleRatePerSecond: written.requests / elapsedSeconds,
    insertsPerSecond: (written.requests * insertsPerPost) / elapsedSeconds,
    cpuMs: cpu.totalMs / written.requests,
    cpuByServerMs: Object.fromEntries(perPost),
    created: [...warm.created, ...written.created],
  };
}

import { count } from '../../local/cli/statistics.ts';
import { feedRequests, followersEach, postRequests } from '../crowd.ts';
import type { Created, Latencies } from '../load/closed-loop.ts';
import { type MeasureContext, withCpu } from './context.ts';
import { untilCalm, untilInserted } from './inserts.ts';

export type MixedFigures = {
  /** Both kinds together. */
  readonly requests: number;
  readonly ratePerSecond: number;
  readonly reads: Latencies;
  readonly posts: Latencies;
  /** Of all servers a request of either kind, until all posts are visible, in ms. */
  readonly cpuMs: number;
  readonly cpuByServerMs: Readonly<Record<string, number>>;
};

const connections = 32;
const readShare = 0.9;

/**
 * Reads and posts as an app makes them: nine to one, each connection as fast as it is answered.
 * @returns also what was acknowledged; a request's place is the author's number
 */
export async function measureMixed(
  context: MeasureContext,
): Promise<MixedFigures & { readonly created: readonly Created[] }> {
  const { stack, crowd, load, servers, idle, seconds, progress, signal } = context;
  const phase = progress.phase('reads and posts, 90 to 10', 1);
  const target = stack.frontDoor;
  const job = {
    ...{ target, connections, seconds, expectedStatus: 201, collectIds: true },
    requests: await postRequests(crowd.viewers, target),
    mixedWith: { share: readShare, requests: await feedRequests(crowd.viewers, target), expectedStatus: 200 },
  };
  const before = await untilCalm(stack, signal);
  const { result, cpu } = await withCpu(servers, idle, async () => {
    const done = await load.run(job);
    const posts = done.requests - done.mixedWith.requests;
    await untilInserted(stack, before + posts * (followersEach + 1), signal);
    return done;
  });
  const { requests, ratePerSecond, mixedWith: reads, created, p50Ms, p99Ms, maxMs } = result;
  const posts = { requests: requests - reads.requests, p50Ms, p99Ms, maxMs };
  phase.end(`${count(requests)} requests, ${count(posts.requests)} of them posts`);
  const perRequest = Object.entries(cpu.byServerMs).map(([name, ms]) => [name, ms / requests] as const);
  return {
    ...{ requests, ratePerSecond, reads, posts, created },
    cpuMs: cpu.totalMs / requests,
    cpuByServerMs: Object.fromEntries(perRequest),
  };
}

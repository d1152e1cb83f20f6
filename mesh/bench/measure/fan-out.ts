import { count } from '../../local/cli/statistics.ts';
import { postRequests } from '../crowd.ts';
import type { Created } from '../load/closed-loop.ts';
import type { MeasureContext } from './context.ts';
import { untilCalm, untilInserted } from './inserts.ts';

/**
 * Fan-out at a rate that holds: people whom everyone follows post at a constant rate for some seconds. Inserts are counted
 * until the last follower has the last post, so a backlog that grows meanwhile makes the rate smaller.
 */
export type FanOutFigures = {
  readonly posts: number;
  readonly inserts: number;
  /** From the first post until the last insert. */
  readonly seconds: number;
  readonly insertsPerSecond: number;
  /** From the last answer until the last insert. */
  readonly backlogSeconds: number;
  /** Of a few hundred posts that come all at once. The constant rate is taken from it. */
  readonly burstInsertsPerSecond: number;
};

const connections = 16;
const burstPosts = 400;
const burstLimitSeconds = 60;
/** Of the burst's rate. */
const heldShare = 0.9;

type Round = { readonly created: readonly Created[]; readonly posts: number; readonly inserts: number };
type TimedRound = Round & { readonly writtenSeconds: number; readonly seconds: number };

/** @returns also what was acknowledged; a request's place is the star's number */
export async function measureFanOut(
  context: MeasureContext,
): Promise<FanOutFigures & { readonly created: readonly Created[] }> {
  const { crowd, seconds, progress } = context;
  const phase = progress.phase('fan-out', 2);
  const burst = await postAndWait(context, { maxRequests: burstPosts, seconds: burstLimitSeconds });
  phase.done();
  const burstInsertsPerSecond = burst.inserts / burst.seconds;
  const ratePerSecond = (heldShare * burstInsertsPerSecond) / crowd.viewers.length;
  const held = await postAndWait(context, { ratePerSecond, seconds });
  phase.end(`${count(held.inserts)} inserts`);
  return {
    posts: held.posts,
    inserts: held.inserts,
    seconds: held.seconds,
    insertsPerSecond: held.inserts / held.seconds,
    backlogSeconds: held.seconds - held.writtenSeconds,
    burstInsertsPerSecond,
    created: [...burst.created, ...held.created],
  };
}

async function postAndWait(
  { stack, crowd, load, signal }: MeasureContext,
  pace: { readonly seconds: number; readonly maxRequests?: number; readonly ratePerSecond?: number },
): Promise<TimedRound> {
  const requests = await postRequests(crowd.stars, stack.frontDoor);
  const before = await untilCalm(stack, signal);
  const startedAtMs = performance.now();
  const elapsedSeconds = (): number => (performance.now() - startedAtMs) / 1_000;
  const job = { target: stack.frontDoor, connections, requests, expectedStatus: 201, collectIds: true, ...pace };
  const { requests: posts, created } = await load.run(job);
  const writtenSeconds = elapsedSeconds();
  // The stars have never read: they have no windows of their own.
  const after = await untilInserted(stack, before + posts * crowd.viewers.length, signal);
  return { posts, created, inserts: after - before, writtenSeconds, seconds: elapsedSeconds() };
}

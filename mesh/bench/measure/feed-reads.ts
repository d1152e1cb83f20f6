import { setTimeout as delay } from 'node:timers/promises';
import { count } from '../../local/cli/statistics.ts';
import { feedRequests } from '../crowd.ts';
import { captureFeedPage } from '../echo/capture.ts';
import { type Echo, startEcho } from '../echo/echo.ts';
import type { LoadResult } from '../load/closed-loop.ts';
import { addUse, type CpuUse, type IdleUse, idleUse, readCpu } from '../servers/cpu.ts';
import { type MeasureContext, withCpu } from './context.ts';

/** One kind of read, from all its rounds. */
export type ReadFigures = {
  readonly requests: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of all servers a request, in ms. */
  readonly cpuMs: number;
  readonly cpuByServerMs: Readonly<Record<string, number>>;
  /** Size of an answer's body. */
  readonly answerBytes: number;
};

export type FeedReadFigures = {
  readonly feed: ReadFigures;
  /** The bare server that encodes the same page each time. */
  readonly echo: ReadFigures;
  /** The bare server that sends bytes that are encoded already. */
  readonly echoOfBytes: ReadFigures;
};

const connections = 32;
/** Feed and echo take turns, so that a machine that gets slower does so for both. */
const rounds = 2;
const idleMs = 1_500;
const warmUpSeconds = 6;

export type Round = { readonly result: LoadResult; readonly cpu: CpuUse };

/** Reads feeds and, in turn, the echo of one of their pages. */
export async function measureFeedReads(context: MeasureContext): Promise<FeedReadFigures> {
  const { stack, crowd, seconds, progress } = context;
  const page = await captureFeedPage(stack.plan.urls.grpc.feed ?? '', (await crowd.viewers[0]?.token()) ?? '');
  const phase = progress.phase('feed reads and the echo', rounds * 2 + 1);
  const feed: Round[] = [];
  const echo: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    feed.push(await readFeeds(context, seconds / rounds));
    phase.done();
    echo.push(await readEcho(context, page, 'encoding', seconds / rounds));
    phase.done();
  }
  const bytes = await readEcho(context, page, 'bytes', seconds / rounds);
  phase.end(`${count(feed.reduce((sum, { result }) => sum + result.requests, 0))} feeds read`);
  return { feed: figuresOf(feed), echo: figuresOf(echo), echoOfBytes: figuresOf([bytes]) };
}

async function readFeeds(context: MeasureContext, seconds: number): Promise<Round> {
  return readWith(context, await feedRequests(context.crowd.viewers, context.stack.frontDoor), seconds);
}

/** Makes these requests, at random, on as many connections as the feed is read by. */
export function readWith(
  { stack, load, servers, idle }: MeasureContext,
  requests: readonly string[],
  seconds: number,
): Promise<Round> {
  return withCpu(servers, idle, () =>
    load.run({ target: stack.frontDoor, connections, requests, expectedStatus: 200, seconds }),
  );
}

async function readEcho(
  { stack, crowd, load, signal }: MeasureContext,
  page: Buffer,
  kind: 'encoding' | 'bytes',
  seconds: number,
): Promise<Round> {
  const echo = await startEcho(stack, page, kind);
  try {
    const { target, processes } = echo;
    // The same people ask with the same tokens, so the filters have the same work.
    const requests = await feedRequests(crowd.viewers, target);
    const job = { target, connections, requests, expectedStatus: 200 };
    await load.run({ ...job, seconds: warmUpSeconds });
    const idle = await idleOf(echo, signal);
    return await withCpu(processes, idle, () => load.run({ ...job, seconds }));
  } finally {
    await echo.stop();
  }
}

async function idleOf({ processes }: Echo, signal: AbortSignal): Promise<IdleUse> {
  const before = readCpu(processes);
  await delay(idleMs, undefined, { signal });
  return idleUse(before, readCpu(processes));
}

/** The figures of all rounds together. */
export function figuresOf(rounds: readonly Round[]): ReadFigures {
  const sum = (value: (result: LoadResult) => number): number =>
    rounds.reduce((total, { result }) => total + value(result), 0);
  const requests = sum((result) => result.requests);
  const cpu = rounds.map((round) => round.cpu).reduce(addUse);
  const perRequest = Object.entries(cpu.byServerMs).map(([name, ms]) => [name, ms / requests] as const);
  return {
    requests,
    ratePerSecond: requests / sum((result) => result.seconds),
    // Of rounds of the same length: the middle of their percentiles.
    p50Ms: sum((result) => result.p50Ms) / rounds.length,
    p99Ms: sum((result) => result.p99Ms) / rounds.length,
    cpuMs: cpu.totalMs / requests,
    cpuByServerMs: Object.fromEntries(perRequest),
    answerBytes: sum((result) => result.answerBytes) / rounds.length,
  };
}

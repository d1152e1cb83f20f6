import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';
import { count } from '../../local/cli/statistics.ts';
import { createApi } from '../../local/client/api.ts';
import { createApiClient } from '../../local/client/api-client.ts';
import { inParallel } from '../../local/client/in-parallel.ts';
import { type Person, personOf } from '../../local/client/people.ts';
import { findFreePortBase, loopback } from '../../local/ports.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { feedRequests, postRequests } from '../crowd.ts';
import type { LoadJob, LoadResult } from '../load/closed-loop.ts';
import type { Target } from '../load/raw-connection.ts';
import { withCpu } from '../measure/context.ts';
import type { Tools } from '../running-stack-parts.ts';
import { type CpuUse, type IdleUse, idleUse, readCpu, type ServerProcess } from '../servers/cpu.ts';
import { serversOf, untilThrough } from '../servers/own-stack.ts';
import { type LoadedSociety, loadSociety } from './load-society.ts';
import { makeSociety, type Society } from './society.ts';

export type GrowthLoad = {
  readonly requests: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all servers a request, in ms. */
  readonly cpuMs: number;
};

/** What reads and posts cost in a stack that holds so many people. */
export type GrowthFigures = {
  readonly people: number;
  readonly follows: number;
  readonly posts: number;
  /** Who read and wrote. */
  readonly active: number;
  readonly reads: GrowthLoad;
  /** CPU until all events are through. */
  readonly writes: GrowthLoad;
};

/** Less than full load, so that latencies are those of the work and not of a queue. */
const connections = 4;
const setUpConnections = 16;
/** At most; whoever measures for a shorter time warms up for a shorter time. */
const warmUpSeconds = 5;
const firstPostsLimitSeconds = 120;
const idleMs = 3_000;
const feedsChecked = 20;
const pageSize = 20;

/** One stack after the other, smallest first. @throws CliError when a feed is not what the society says */
export async function measureGrowth(sizes: readonly number[], seconds: number, tools: Tools): Promise<GrowthFigures[]> {
  const figures: GrowthFigures[] = [];
  for (const people of sizes) {
    const phase = tools.progress.phase(`${count(people)} people`, 3);
    const stack = await startStack({ stateDir: temporaryFolder(), portBase: await findFreePortBase() }, tools.signal);
    phase.done();
    try {
      const society = makeSociety(people);
      const loaded = await loadSociety(stack.urls.database, society);
      phase.done();
      figures.push(await measureSociety(stack, society, loaded, seconds, tools));
      phase.end();
    } finally {
      await stack.stop();
    }
  }
  return figures;
}

async function measureSociety(
  stack: Stack,
  society: Society,
  loaded: LoadedSociety,
  seconds: number,
  { load, signal }: Tools,
): Promise<GrowthFigures> {
  const client = createApiClient({ frontDoor: stack.urls.frontDoor, connections: setUpConnections, signal });
  try {
    const api = createApi(client);
    const readers = society.active.map((person, index) => {
      const session = { userId: loaded.userIds[person] ?? '', refreshToken: loaded.refreshTokens[index] ?? '' };
      return personOf(api, `grown_${person}`, { ...session, accessToken: '', expiresAtMs: 0 });
    });
    // Also builds everybody's window.
    await inParallel(readers, setUpConnections, async (reader, index) => {
      const { items } = await api.readFeed(await reader.token(), pageSize);
      if (index < feedsChecked) requireFeed(society, loaded, society.active[index] ?? 0, items);
    });
    const target = { host: loopback, port: Number(new URL(stack.urls.frontDoor).port) };
    const measure = { stack, readers, target, seconds, run: load.run, signal };
    const [reads, writes] = [await measureReads(measure), await measureWrites(measure)];
    return {
      ...{ people: society.people, active: readers.length, reads, writes },
      follows: society.followees.reduce((sum, followees) => sum + followees.length, 0),
      posts: society.postCounts.reduce((sum, posts) => sum + posts, 0),
    };
  } finally {
    client.close();
  }
}

/** What was loaded must be what the API would have left, or the figures are of something else. */
export function requireFeed(
  { followees }: Society,
  { posts }: LoadedSociety,
  reader: number,
  items: readonly { readonly id: string }[],
): void {
  const wanted = [reader, ...(followees[reader] ?? [])]
    .flatMap((author) => posts[author] ?? [])
    .sort((a, b) => b.publishedAtMs - a.publishedAtMs || (a.id < b.id ? 1 : -1))
    .slice(0, pageSize);
  const isSame = items.length === wanted.length && wanted.every(({ id }, place) => items[place]?.id === id);
  if (!isSame) throw new CliError(`the feed of person ${reader} is not that of the people who were loaded`);
}

type Measure = {
  readonly stack: Stack;
  readonly readers: readonly Person[];
  readonly target: Target;
  readonly seconds: number;
  readonly run: (job: LoadJob) => Promise<LoadResult>;
  readonly signal: AbortSignal;
};

async function measureReads({ stack, readers, target, seconds, run, signal }: Measure): Promise<GrowthLoad> {
  const job = { target, connections, requests: await feedRequests(readers, target), expectedStatus: 200 };
  await run({ ...job, seconds: Math.min(seconds, warmUpSeconds) });
  const servers = serversOf(stack);
  const idle = await measureIdle(servers, signal);
  const { result, cpu } = await withCpu(servers, idle, () => run({ ...job, seconds }));
  return toGrowthLoad(result, cpu);
}

async function measureWrites({ stack, readers, target, seconds, run, signal }: Measure): Promise<GrowthLoad> {
  const job = { target, connections, requests: await postRequests(readers, target), expectedStatus: 201 };
  // Everybody's first post asks for their followers, which are known from then on.
  const first = { inOrder: true, maxRequests: readers.length, seconds: firstPostsLimitSeconds };
  const { requests: firstPosts } = await run({ ...job, ...first, connections: setUpConnections });
  if (firstPosts < readers.length) throw new CliError(`${firstPosts} posts took ${firstPostsLimitSeconds} s`);
  await run({ ...job, seconds: Math.min(seconds, warmUpSeconds) });
  await untilThrough(stack, signal);
  const servers = serversOf(stack);
  const idle = await measureIdle(servers, signal);
  const { result, cpu } = await withCpu(servers, idle, async () => {
    const written = await run({ ...job, seconds });
    await untilThrough(stack, signal);
    return written;
  });
  return toGrowthLoad(result, cpu);
}

function toGrowthLoad({ requests, ratePerSecond, p50Ms, p99Ms }: LoadResult, cpu: CpuUse): GrowthLoad {
  return { requests, ratePerSecond, p50Ms, p99Ms, cpuMs: cpu.totalMs / requests };
}

async function measureIdle(servers: readonly ServerProcess[], signal: AbortSignal): Promise<IdleUse> {
  const before = readCpu(servers);
  await delay(idleMs, undefined, { signal });
  return idleUse(before, readCpu(servers));
}

import { Redis } from 'ioredis';
import { systemClock } from '#kit/clock.ts';
import { createProgress, type Progress } from '../cli/progress.ts';
import { count } from '../cli/statistics.ts';
import { createApi } from '../client/api.ts';
import { type ApiClient, createApiClient } from '../client/api-client.ts';
import { countersSince, type FeedCounters, readFeedCounters } from '../client/feed-metrics.ts';
import { newRunId } from '../client/people.ts';
import { createRandom, type Random } from '../client/random.ts';
import { createExpectedFeeds } from './expected-feeds.ts';
import { type Graph, makeGraph, readGraph } from './graph.ts';
import { type DemoOptions, type DemoTarget, readDemoOptions } from './options.ts';
import { changeAll, type DemoRun, followAll, openFeeds, publishAll, signUpAll, waver } from './phases.ts';
import { settle } from './settle.ts';
import { planSociety } from './society.ts';
import { type DemoResult, isExact, renderDifferences, renderSummary } from './summary.ts';
import { verifyAll } from './verify.ts';

const friendsOfNewcomer = 8;
const exitCodeInterrupted = 130;
const redisTimeoutMs = 5_000;

/**
 * Lets a society live through the front door and compares every feed with what the friendships demand.
 * @returns the exit code: 0 all feeds exact, 1 a difference, 130 interrupted
 * @throws CliError on wrong flags, a bad graph or a request that fails
 */
export async function runDemo(argv: readonly string[]): Promise<number> {
  const options = readDemoOptions(argv, process.env);
  const random = createRandom(options.seed);
  const graph =
    options.graphPath === undefined
      ? makeGraph(options.people, friendsOfNewcomer, random)
      : readGraph(options.graphPath);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  const progress = createProgress();
  // The first Ctrl-C ends what is in hand, the second one the process.
  process.once('SIGINT', interrupt);
  const client = createApiClient({
    frontDoor: options.target.frontDoor,
    connections: options.connections,
    signal: interrupted.signal,
  });
  try {
    const result = await live(options, graph, random, { client, progress, signal: interrupted.signal });
    report(result);
    return isExact(result) ? 0 : 1;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    progress.stop();
    console.error('stopped; what was made so far stays');
    return exitCodeInterrupted;
  } finally {
    progress.stop();
    client.close();
    process.off('SIGINT', interrupt);
  }
}

type Tools = { readonly client: ApiClient; readonly progress: Progress; readonly signal: AbortSignal };

async function live(options: DemoOptions, graph: Graph, random: Random, tools: Tools): Promise<DemoResult> {
  const { client, progress, signal } = tools;
  const { target, connections } = options;
  const startedAtMs = performance.now();
  const society = planSociety(graph, random, options.pullAbove);
  const expected = createExpectedFeeds(society.people);
  const runId = newRunId(systemClock.nowMs());
  const run: DemoRun = { api: createApi(client), progress, connections, runId, society, expected, signal };
  console.log(
    `${count(society.people)} people, ${count(graph.friendships.length)} friendships, seed ${options.seed}, run ${runId}, ` +
      `through ${target.frontDoor}`,
  );
  const atStart = await countersOf(target);
  const people = await signUpAll(run);
  await followAll(run, people, 'follows before the posts', society.followsBefore);
  await openFeeds(run, people);
  await settle(run, people, [...society.earlyReaders], target.behind);
  const beforePosts = await countersOf(target);
  const [published] = await Promise.all([publishAll(run, people), waver(run, people)]);
  await followAll(run, people, 'follows after the posts', society.followsAfter);
  await changeAll(run, people, published.ids);
  await settle(run, people, [...people.keys()], target.behind);
  const warm = await verifyAll(run, people, 'comparing every feed');
  const pushed = difference(beforePosts, await countersOf(target));
  const flushed = target.behind === undefined ? undefined : await verifyFlushed(run, people, target.behind.redis);
  const counted = difference(atStart, await countersOf(target));
  const elapsedMs = performance.now() - startedAtMs;
  return { graph, society, published, pushed, counted, warm, flushed, elapsedMs, statistics: client.statistics() };
}

async function verifyFlushed(run: DemoRun, people: Awaited<ReturnType<typeof signUpAll>>, redisUrl: string) {
  await flush(redisUrl);
  return verifyAll(run, people, 'comparing after a flush');
}

/** Empties Redis: the feeds must be the same without it. */
async function flush(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl, { lazyConnect: true, connectTimeout: redisTimeoutMs, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

async function countersOf({ behind }: DemoTarget): Promise<FeedCounters | undefined> {
  if (behind === undefined) return undefined;
  return readFeedCounters(behind.operations).catch(() => undefined);
}

function difference(before: FeedCounters | undefined, after: FeedCounters | undefined): FeedCounters | undefined {
  return before === undefined || after === undefined ? undefined : countersSince(before, after);
}

function report(result: DemoResult): void {
  const { warm, flushed } = result;
  console.log(`\n${renderSummary(result)}\n`);
  const wrong = [renderDifferences('feeds', warm)];
  if (flushed !== undefined) wrong.push(renderDifferences('feeds after Redis was flushed', flushed));
  for (const text of wrong.filter((entry) => entry !== '')) console.error(`${text}\n`);
  if (!isExact(result)) console.error('the feeds are not what the friendships demand');
  else
    console.log(
      `all ${count(warm.feeds)} feeds are exact${flushed === undefined ? '' : ', before and after the flush'}`,
    );
}

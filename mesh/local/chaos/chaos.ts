import { systemClock } from '#kit/clock.ts';
import { createProgress, type Progress } from '../cli/progress.ts';
import { createApi } from '../client/api.ts';
import { createApiClient } from '../client/api-client.ts';
import { newRunId, type Person } from '../client/people.ts';
import { createRandom } from '../client/random.ts';
import { createExpectedFeeds } from '../demo/expected-feeds.ts';
import { settle } from '../demo/settle.ts';
import { verifyAll } from '../demo/verify.ts';
import { type Crowd, type CrowdRun, type Deeds, gatherCrowd } from './crowd.ts';
import { createFindings, type FindingKind, kindOf } from './findings.ts';
import { estimateSeconds, killInTurn, untilAllReady } from './killer.ts';
import { type ChaosOptions, type ChaosTarget, findTarget, readChaosOptions } from './options.ts';
import { isExact, renderResult } from './report.ts';
import { verifyLists, verifyTables } from './verify.ts';

export type ChaosResult = {
  readonly seed: number;
  /** How often each process was killed, by name. */
  readonly kills: Readonly<Record<string, number>>;
  /** What was acknowledged. */
  readonly deeds: Deeds;
  /** Requests that were sent again, by the status that they were answered with; 0 is no answer. */
  readonly repeated: Readonly<Record<string, number>>;
  readonly feeds: number;
  readonly items: number;
  readonly pages: number;
  /** Whether all events were through within two minutes after the last kill. */
  readonly settled: boolean;
  readonly findings: Readonly<Record<FindingKind, number>>;
  /** The first of them, in words. */
  readonly texts: readonly string[];
  readonly elapsedSeconds: number;
};

const connections = 64;
/** While something is away a request is sent again and again. */
const maxAttempts = 120;
const maxWaitMs = 1_000;
const exitCodeInterrupted = 130;
/** A crash inside a service that its caller sees: it is repeated, so that the rest can be judged, and counts as wrong. */
const internalError = 500;

/**
 * Lets people post, edit, delete, follow, unfollow and read while each process of the running stack is killed, and compares
 * what was acknowledged with what is there.
 * @returns the exit code: 0 nothing lost, doubled, out of place or wrong; 1 something was; 130 interrupted
 * @throws CliError on wrong flags, when no stack runs, or when a process does not come back
 */
export async function runChaos(argv: readonly string[]): Promise<number> {
  const options = readChaosOptions(argv);
  const target = findTarget(process.env);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const progress = createProgress(process.stderr);
  console.error(`${options.kills} kills take about ${estimateSeconds(options.kills)} s, and the comparison some more`);
  try {
    const result = await causeChaos(options, target, { progress, signal: interrupted.signal });
    console.log(options.json ? JSON.stringify(result, null, 2) : `\n${renderResult(result)}`);
    return isExact(result) ? 0 : 1;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error('stopped; what was made so far stays');
    return exitCodeInterrupted;
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
  }
}

type Tools = { readonly progress: Progress; readonly signal: AbortSignal };

/** The work itself, on any stack that is supervised. */
export async function causeChaos(
  options: Omit<ChaosOptions, 'json'>,
  target: ChaosTarget,
  { progress, signal }: Tools,
): Promise<ChaosResult> {
  const startedAtMs = performance.now();
  const findings = createFindings();
  const repeated: Record<string, number> = {};
  const client = createApiClient({
    ...{ frontDoor: target.urls.frontDoor, connections, maxAttempts, maxWaitMs, signal, alsoPassing: [internalError] },
    onRepeat({ method, path }, status = 0) {
      repeated[status] = (repeated[status] ?? 0) + 1;
      if (status === internalError) findings.add('wrong', `${method} ${path} was answered with ${status}`);
    },
  });
  const { seed, kills, people } = options;
  const runId = newRunId(systemClock.nowMs());
  const base = { api: createApi(client), progress, connections, expected: createExpectedFeeds(people), signal };
  const run: CrowdRun = { ...base, runId, seed, findings };
  try {
    await untilAllReady(target, signal);
    const crowd = await gatherCrowd(run, people);
    const killed = await killWhileTheyLive(run, crowd, target, kills);
    await untilAllReady(target, signal);
    const settled = await settle(run, crowd.people, [...crowd.people.keys()], target.urls);
    const feeds = await compareAll(run, crowd.people, target, client);
    return {
      ...{ seed, kills: killed, deeds: crowd.deeds, repeated, ...feeds, settled },
      ...{ findings: findings.counts(), texts: findings.texts() },
      elapsedSeconds: Math.round((performance.now() - startedAtMs) / 1_000),
    };
  } finally {
    client.close();
  }
}

async function killWhileTheyLive(run: CrowdRun, crowd: Crowd, target: ChaosTarget, kills: number) {
  const { progress, signal, seed } = run;
  const phase = progress.phase('kills', kills);
  const stop = crowd.begin();
  try {
    return await killInTurn(target, kills, { random: createRandom(seed), phase, signal });
  } finally {
    await stop();
    phase.end(`${kills}; ${crowd.deeds.posts} posts, ${crowd.deeds.reads} reads`);
  }
}

/** Compares what was acknowledged with every feed, every list and the tables; what differs is added to the findings of the run. */
export async function compareAll(
  run: CrowdRun,
  people: readonly Person[],
  { urls }: Pick<ChaosTarget, 'urls'>,
  client: Parameters<typeof verifyLists>[2],
) {
  const { feeds, items, pages, wrong } = await verifyAll(run, people, 'comparing every feed');
  for (const { handle, differences } of wrong) {
    for (const { kind, postId, text } of differences)
      run.findings.add(kindOf(kind), `feed of ${handle}: ${postId} ${text}`);
  }
  await verifyLists(run, people, client);
  await verifyTables(run, people, urls.databases);
  return { feeds, items, pages };
}

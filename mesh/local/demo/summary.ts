import { count, duration, percentile } from '../cli/statistics.ts';
import type { ApiStatistics } from '../client/api-client.ts';
import type { FeedCounters } from '../client/feed-metrics.ts';
import type { Graph } from './graph.ts';
import type { Published } from './phases.ts';
import type { Change, Society } from './society.ts';
import type { Verdict } from './verify.ts';

export type DemoResult = {
  readonly graph: Graph;
  readonly society: Society;
  readonly published: Published;
  /** What the feed service counted while the posts were made; undefined when it could not be asked. */
  readonly pushed: FeedCounters | undefined;
  /** What it counted during the whole run. */
  readonly counted: FeedCounters | undefined;
  readonly warm: Verdict;
  /** After Redis was flushed; undefined when it could not be. */
  readonly flushed: Verdict | undefined;
  readonly statistics: ApiStatistics;
  readonly elapsedMs: number;
};

const maxShownDifferences = 20;
const maxShownOfOneFeed = 4;

/** Whether every feed was exact each time. */
export function isExact({ warm, flushed }: DemoResult): boolean {
  return warm.wrong.length === 0 && (flushed === undefined || flushed.wrong.length === 0);
}

export function renderSummary(result: DemoResult): string {
  const { society, graph, published, warm, flushed, statistics, elapsedMs } = result;
  const follows = society.followsBefore.length + society.followsAfter.length;
  const changed = (kind: Change['kind']): number => society.changes.filter((change) => change.kind === kind).length;
  const lag = (share: number): string => duration(percentile(published.lagsMs, share));
  const rate = statistics.requests / (elapsedMs / 1_000);
  const rows: [string, string][] = [
    ['people', `${count(society.people)} with ${count(graph.friendships.length)} friendships`],
    ['follows', `${count(follows)}, half before and half after the posts; ${count(changed('unfollow'))} unfollowed`],
    ['posts', `${count(society.posts.length)}; ${count(changed('edit'))} edited, ${count(changed('delete'))} deleted`],
    ['feeds', renderVerdict(warm)],
    [
      'feeds after a flush',
      flushed === undefined ? 'not compared: the Redis behind --url is unknown' : renderVerdict(flushed),
    ],
    ['fan-out inserts', renderInserts(published, result.pushed)],
    ['pulled', renderPulled(result.counted)],
    ['feed pages from', renderReads(result.counted)],
    ['post → visible', `p50 ${lag(0.5)}, p99 ${lag(0.99)} (${published.lagsMs.length} samples among the other posts)`],
    [
      'requests',
      `${count(statistics.requests)} in ${duration(elapsedMs)}: ${count(rate)}/s; ${count(statistics.repeats)} repeated`,
    ],
  ];
  return rows.map(([name, text]) => `  ${name.padEnd(20)} ${text}`).join('\n');
}

function renderVerdict({ exact, feeds, items, pages }: Verdict): string {
  return `${count(exact)} of ${count(feeds)} exact (${count(items)} items on ${count(pages)} pages)`;
}

function renderInserts({ expectedInserts }: Published, pushed: FeedCounters | undefined): string {
  const expected = `${count(expectedInserts)} expected`;
  if (pushed?.fanoutInserts === undefined) return `${expected}, not measured: the feed service does not tell`;
  const ratio = pushed.fanoutInserts / expectedInserts;
  return `${expected}, ${count(pushed.fanoutInserts)} measured (${(ratio * 100).toFixed(1)} %)`;
}

function renderPulled(counted: FeedCounters | undefined): string {
  if (counted === undefined) return 'not measured: the services do not tell';
  const { pulledPosts, crossings } = counted;
  const crossed = `authors crossed the limit of followers ${count(crossings.up)} times up and ${count(crossings.down)} down`;
  return `${count(pulledPosts)} posts, not pushed; ${crossed}`;
}

function renderReads(counted: FeedCounters | undefined): string {
  const total = [...(counted?.readsBySource.values() ?? [])].reduce((sum, reads) => sum + reads, 0);
  if (counted === undefined || total === 0) return 'not measured: the feed service does not tell';
  const sources = [...counted.readsBySource].sort(([, a], [, b]) => b - a);
  const share = (reads: number): string => `${((reads / total) * 100).toFixed(1)} %`;
  const hitRate = `hit rate ${share(counted.readsBySource.get('window') ?? 0)}`;
  return `${sources.map(([source, reads]) => `${source} ${count(reads)}`).join(', ')}: ${hitRate}`;
}

/** The first differences, so that somebody can look for the reason. */
export function renderDifferences(name: string, verdict: Verdict): string {
  if (verdict.wrong.length === 0) return '';
  const lines = [`${name}: ${count(verdict.wrong.length)} of ${count(verdict.feeds)} feeds are wrong`];
  let shown = 0;
  for (const { handle, reader, differences } of verdict.wrong) {
    if (shown >= maxShownDifferences) break;
    lines.push(`  @${handle} (person ${reader}): ${count(differences.length)} differences`);
    for (const { kind, postId, text } of differences.slice(0, maxShownOfOneFeed)) {
      lines.push(`    ${kind.padEnd(10)} ${postId} ${text}`);
      shown += 1;
    }
  }
  const kinds = new Map<string, number>();
  for (const { kind } of verdict.wrong.flatMap(({ differences }) => differences)) {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  lines.push(`  in all: ${[...kinds].map(([kind, number]) => `${count(number)} ${kind}`).join(', ')}`);
  return lines.join('\n');
}

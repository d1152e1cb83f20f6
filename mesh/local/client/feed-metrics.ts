import { ofService } from '../stack/replicas.ts';

/** Counters of the feed and of the user service, read from their operations ports. */
export type FeedCounters = {
  /** Entries that fan-out has put into windows; undefined when the service does not tell. */
  readonly fanoutInserts: number | undefined;
  /** Pages read, by where they came from. */
  readonly readsBySource: ReadonlyMap<string, number>;
  /** Posts that were left to those who look for them. */
  readonly pulledPosts: number;
  /** Authors who crossed the limit of followers, up and down. */
  readonly crossings: { readonly up: number; readonly down: number };
};

const insertsName = 'oxo_feed_fanout_inserts_total';
const readsName = 'oxo_feed_reads_total';
const pulledName = 'oxo_feed_pulled_posts_total';
const crossingsName = 'oxo_user_pull_crossings_total';
const timeoutMs = 3_000;

/** Of all replicas together. @param urls as `StackUrls.operations`. Rejects when one does not answer */
export async function readFeedCounters(urls: Readonly<Record<string, string>>): Promise<FeedCounters> {
  const texts = await Promise.all([...ofService('feed', urls), ...ofService('user', urls)].map(readMetrics));
  return parseFeedCounters(texts.join('\n'));
}

async function readMetrics(operations: string): Promise<string> {
  const response = await fetch(`${operations}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${operations}/metrics answered ${response.status}`);
  return response.text();
}

/** @param text in Prometheus' text format */
export function parseFeedCounters(text: string): FeedCounters {
  let fanoutInserts: number | undefined;
  let pulledPosts = 0;
  const readsBySource = new Map<string, number>();
  const crossings = { up: 0, down: 0 };
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
    if (match === null) continue;
    const [, name, labels = '', value] = match;
    if (name === insertsName) fanoutInserts = (fanoutInserts ?? 0) + Number(value);
    if (name === pulledName) pulledPosts += Number(value);
    const source = /(?:^|,)source="([^"]*)"/.exec(labels)?.[1];
    if (name === readsName && source !== undefined) {
      readsBySource.set(source, (readsBySource.get(source) ?? 0) + Number(value));
    }
    const direction = /(?:^|,)direction="(up|down)"/.exec(labels)?.[1];
    if (name === crossingsName && (direction === 'up' || direction === 'down')) crossings[direction] += Number(value);
  }
  return { fanoutInserts, readsBySource, pulledPosts, crossings };
}

/** What happened between two readings. */
export function countersSince(before: FeedCounters, after: FeedCounters): FeedCounters {
  const sources = [...after.readsBySource].map(
    ([source, reads]) => [source, reads - (before.readsBySource.get(source) ?? 0)] as const,
  );
  const inserts = after.fanoutInserts === undefined ? undefined : after.fanoutInserts - (before.fanoutInserts ?? 0);
  return {
    fanoutInserts: inserts,
    readsBySource: new Map(sources),
    pulledPosts: after.pulledPosts - before.pulledPosts,
    crossings: {
      up: after.crossings.up - before.crossings.up,
      down: after.crossings.down - before.crossings.down,
    },
  };
}

import { systemClock } from '#kit/clock.ts';
import type { StackUrls } from '../../../stack/plan.ts';
import { parseSamples, type Sample } from './samples.ts';

/** All counters of a stack at one time. */
export type Scrape = {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** By process; who gave no answer is not in it. */
  readonly processes: Readonly<Record<string, readonly Sample[]>>;
  /** Of the front door; undefined when it gave no answer. */
  readonly gateway: readonly Sample[] | undefined;
};

/** Of Envoy's many thousand only those of requests. */
const gatewayFilter = '^http\\..*downstream_rq_(xx|time|[1-5]xx)$';

/** Never rejects. @param timeoutMs for all together */
export async function scrape(
  { envoyAdmin, operations }: Pick<StackUrls, 'envoyAdmin' | 'operations'>,
  timeoutMs: number,
): Promise<Scrape> {
  const atMs = systemClock.nowMs();
  const urls = Object.entries(operations).map(([name, url]) => [name, `${url}/metrics`] as const);
  const gatewayUrl = `${envoyAdmin}/stats/prometheus?filter=${encodeURIComponent(gatewayFilter)}`;
  const [gateway, ...found] = await Promise.all([
    read(gatewayUrl, timeoutMs),
    ...urls.map(async ([name, url]) => [name, await read(url, timeoutMs)] as const),
  ]);
  const answered = found.filter((entry): entry is [string, Sample[]] => entry[1] !== undefined);
  return { atMs, gateway, processes: Object.fromEntries(answered) };
}

async function read(url: string, timeoutMs: number): Promise<Sample[] | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return parseSamples(await response.text());
  } catch {
    // That it is away is told by its state.
    return undefined;
  }
}

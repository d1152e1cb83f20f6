import { z } from 'zod';

const timeoutMs = 10_000;
/** A query with more series than this is cut off: nobody reads them in one picture. */
const maxSeries = 20;

/** A value of a series in time: seconds since 1970. */
export type Point = readonly [atSeconds: number, value: number];
export type Series = { readonly labels: Readonly<Record<string, string>>; readonly points: readonly Point[] };
export type Range = { readonly startSeconds: number; readonly endSeconds: number; readonly stepSeconds: number };

const sample = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const answerSchema = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z
    .discriminatedUnion('resultType', [
      z.object({
        resultType: z.literal('matrix'),
        result: z.array(z.object({ metric: labels, values: z.array(sample) })),
      }),
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: labels, value: sample })) }),
      z.object({ resultType: z.literal('scalar'), result: sample }),
    ])
    .optional(),
});
const targetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels, health: z.string(), lastError: z.string().default(''), scrapeUrl: z.string() }),
    ),
  }),
});

/**
 * Asks Prometheus.
 * @param url without a slash at the end, with user and password as `StackUrls` has it; fetch takes none in a URL
 * @param path behind it, such as /api/v1/query
 */
export function fetchPrometheus(url: string, path: string, init: RequestInit): Promise<Response> {
  const { origin, username, password } = new URL(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return fetch(`${origin}${path}`, { ...init, headers: username === '' ? {} : { authorization } });
}

/** Values over a time. @throws Error with what Prometheus says against the query, or that it is away */
export async function queryRange(prometheusUrl: string, query: string, range: Range): Promise<Series[]> {
  const { startSeconds, endSeconds, stepSeconds } = range;
  return await ask(prometheusUrl, 'query_range', {
    query,
    start: String(startSeconds),
    end: String(endSeconds),
    step: String(stepSeconds),
  });
}

/** The values of one moment. @throws as `queryRange` */
export async function queryAt(prometheusUrl: string, query: string, atSeconds: number): Promise<Series[]> {
  return await ask(prometheusUrl, 'query', { query, time: String(atSeconds) });
}

/** Each target that is scraped, and why those that are down are. */
export async function readTargets(prometheusUrl: string) {
  const response = await fetchPrometheus(prometheusUrl, '/api/v1/targets?state=active', {
    signal: AbortSignal.timeout(timeoutMs),
  });
  return targetsSchema.parse(await response.json()).data.activeTargets;
}

async function ask(prometheusUrl: string, kind: string, parameters: Record<string, string>): Promise<Series[]> {
  const response = await fetchPrometheus(prometheusUrl, `/api/v1/${kind}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { status, error, data } = answerSchema.parse(await response.json());
  if (status !== 'success' || data === undefined) throw new Error(error ?? `Prometheus answered ${response.status}`);
  const points = (values: readonly (readonly [number, string])[]): Point[] =>
    values.map(([at, value]) => [at, Number(value)] as const);
  if (data.resultType === 'scalar') return [{ labels: {}, points: points([data.result]) }];
  if (data.resultType === 'vector')
    return data.result.slice(0, maxSeries).map(({ metric, value }) => ({ labels: metric, points: points([value]) }));
  return data.result.slice(0, maxSeries).map(({ metric, values }) => ({ labels: metric, points: points(values) }));
}

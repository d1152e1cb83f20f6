import { z } from 'zod';
import { FAILURE_CODES } from '#kit/observability/semantics.ts';
import { fetchPrometheus } from '../../../observability/prometheus-client.ts';
import { frontDoorPrefix, type Rate, type Rates } from './rates.ts';

/** Over so long, as alerts do. */
const seconds = 300;
const frontDoor = `envoy_http_conn_manager_prefix="${frontDoorPrefix}"`;
const faults = `code=~"${FAILURE_CODES.join('|')}"`;

const failedAnswers = `envoy_http_downstream_rq_xx{${frontDoor},envoy_response_code_class="5"}`;
const failedRpcs = `oxo_rpc_server_requests_total{${faults}}`;
const isFailing = `(sum(increase(${failedAnswers}[30s])) > 0) or (sum(increase(${failedRpcs}[30s])) > 0)`;

/** By what they are for; each gives numbers by RPC, or one. */
const queries = {
  frontDoorAnswers: `sum(rate(envoy_http_downstream_rq_xx{${frontDoor}}[5m]))`,
  frontDoorFaults: `sum(rate(${failedAnswers}[5m]))`,
  frontDoorP99: `histogram_quantile(0.99, sum by (le) (rate(envoy_http_downstream_rq_time_bucket{${frontDoor}}[5m])))`,
  answers: 'sum by (rpc) (rate(oxo_rpc_server_requests_total[5m]))',
  faults: `sum by (rpc) (rate(${failedRpcs}[5m]))`,
  p99: '1000 * histogram_quantile(0.99, sum by (rpc, le) (rate(oxo_rpc_server_duration_seconds_bucket[5m])))',
  fanoutP99: '1000 * histogram_quantile(0.99, sum by (le) (rate(oxo_feed_fanout_duration_seconds_bucket[5m])))',
  mailsSent: 'sum(increase(oxo_auth_mails_total{outcome="SENT"}[5m]))',
  mailsFailed: 'sum(increase(oxo_auth_mails_total{outcome="FAILED"}[5m]))',
  /** For how many of these seconds somebody has looked. */
  covered: 'max(time() - min_over_time(timestamp(up{job=~"gateway|auth"})[5m:15s]))',
  lastFault: `max_over_time(timestamp(${isFailing})[1h:15s])`,
  refusedSignIns: 'sum(increase(oxo_auth_sign_ins_total{outcome="refused"}[5m]))',
} as const;

type Name = keyof typeof queries;
/** By query, then by RPC. */
type Numbers = ReadonlyMap<string, ReadonlyMap<string, number>>;

const answerSchema = z.object({
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
});

/** Of a stack that was started within the window, nothing counted says nothing: what came before the first look is not seen. */
const mostlyCovered = 0.8;

/**
 * Rates over five minutes; undefined while Prometheus has not looked for so long and has seen nothing. Rejects when it is away.
 * @param url without a slash at the end
 */
export async function readLongRates(url: string, timeoutMs: number): Promise<Rates | undefined> {
  const asked = Object.entries(queries).map(async ([name, query]) => [name, await ask(url, query, timeoutMs)] as const);
  const numbers: Numbers = new Map(await Promise.all(asked));
  const rates = ratesOf(numbers);
  const isSeen = rates.rpcs.length > 0 || (rates.frontDoor?.perSecond ?? 0) > 0;
  return isSeen || (numbers.get('covered')?.get('') ?? 0) > mostlyCovered * seconds ? rates : undefined;
}

/** @returns by RPC; a number of the whole has the key '' */
async function ask(url: string, query: string, timeoutMs: number): Promise<Map<string, number>> {
  const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
  const response = await fetchPrometheus(url, path, { signal: AbortSignal.timeout(timeoutMs) });
  const { result } = answerSchema.parse(await response.json()).data;
  // What nothing was measured of is NaN.
  const numbers = result.map(({ metric, value }) => [metric.rpc ?? '', Number(value[1])] as const);
  return new Map(numbers.filter(([, value]) => Number.isFinite(value)));
}

function ratesOf(numbers: Numbers): Rates {
  const number = (name: Name, rpc = ''): number | undefined => numbers.get(name)?.get(rpc);
  const whole = (name: Name): number => number(name) ?? 0;
  const lastFault = number('lastFault');
  const rpcs = [...(numbers.get('answers') ?? [])].map(([rpc, perSecond]) => ({
    ...{ rpc, perSecond },
    errorsPerSecond: number('faults', rpc) ?? 0,
    p99Ms: number('p99', rpc),
  }));
  const ofFrontDoor: Rate = {
    perSecond: whole('frontDoorAnswers'),
    errorsPerSecond: whole('frontDoorFaults'),
    p99Ms: number('frontDoorP99'),
  };
  return {
    ...{ source: 'prometheus', seconds },
    frontDoor: number('frontDoorAnswers') === undefined ? undefined : ofFrontDoor,
    rpcs: rpcs.filter(({ perSecond }) => perSecond > 0).sort((a, b) => b.perSecond - a.perSecond),
    fanoutP99Ms: number('fanoutP99'),
    mailsSent: Math.round(whole('mailsSent')),
    mailsFailed: Math.round(whole('mailsFailed')),
    refusedSignIns: Math.round(whole('refusedSignIns')),
    lastFaultAt: lastFault === undefined ? undefined : new Date(lastFault * 1_000).toISOString(),
  };
}

import { FAILURE_CODES } from '#kit/observability/semantics.ts';
import type { Sample } from './samples.ts';
import { samplesOf, sumOf } from './samples.ts';
import type { Scrape } from './scrape.ts';

export type Rate = {
  readonly perSecond: number;
  /** Answers that are a fault of ours: 5xx, or a gRPC status that says so. */
  readonly errorsPerSecond: number;
  /** Of all answers, in milliseconds, between the bounds of buckets by straight lines; undefined when there were none. */
  readonly p99Ms: number | undefined;
};

export type RpcRate = Rate & { readonly rpc: string };

/** What happened within a while. */
export type Rates = {
  readonly source: 'two readings' | 'prometheus';
  readonly seconds: number;
  /** Undefined when it could not be read at both ends. */
  readonly frontDoor: Rate | undefined;
  /** Those that were called, the busiest first. */
  readonly rpcs: readonly RpcRate[];
  /** From an event to the last feed that it is in. */
  readonly fanoutP99Ms: number | undefined;
  readonly mailsSent: number;
  readonly mailsFailed: number;
  readonly refusedSignIns: number;
  /** When an answer was an error last, within an hour and to half a minute, ISO 8601; told by Prometheus alone, undefined when there was none. */
  readonly lastFaultAt?: string | undefined;
};

/** What Envoy calls the listener for people; what it counts of its own administration has another name. */
export const frontDoorPrefix = 'front_door';

/** How much each sample has risen. A process that was started in between begins with 0 again. */
type Rises = readonly Sample[];

export function ratesBetween(before: Scrape, after: Scrape): Rates {
  const seconds = Math.max((after.atMs - before.atMs) / 1_000, 0.001);
  const rises = Object.entries(after.processes).flatMap(([name, samples]) => risesOf(before.processes[name], samples));
  const gateway =
    before.gateway === undefined || after.gateway === undefined ? undefined : risesOf(before.gateway, after.gateway);
  const rpcs = rpcRates(rises, seconds);
  const mails = (outcome: string): number => sumOf(samplesOf(rises, 'oxo_auth_mails_total', { outcome })) ?? 0;
  return {
    ...{ source: 'two readings', seconds, rpcs },
    frontDoor: gateway === undefined ? undefined : frontDoorRate(gateway, seconds),
    fanoutP99Ms: quantileMs(samplesOf(rises, 'oxo_feed_fanout_duration_seconds_bucket'), 0.99, 1_000),
    mailsSent: mails('SENT'),
    mailsFailed: mails('FAILED'),
    refusedSignIns: sumOf(samplesOf(rises, 'oxo_auth_sign_ins_total', { outcome: 'refused' })) ?? 0,
  };
}

/** A process that was not there before tells nothing: when its counts began is not known. */
function risesOf(before: readonly Sample[] | undefined, after: readonly Sample[]): Rises {
  if (before === undefined) return [];
  const known = new Map(before.map((each) => [keyOf(each), each.value]));
  return after.map((each) => {
    const former = known.get(keyOf(each)) ?? 0;
    return { ...each, value: each.value < former ? each.value : each.value - former };
  });
}

function keyOf({ name, labels }: Sample): string {
  return `${name} ${JSON.stringify(labels)}`;
}

function rpcRates(rises: Rises, seconds: number): RpcRate[] {
  const requests = Map.groupBy(samplesOf(rises, 'oxo_rpc_server_requests_total'), ({ labels }) => labels.rpc ?? '');
  const buckets = Map.groupBy(
    samplesOf(rises, 'oxo_rpc_server_duration_seconds_bucket'),
    ({ labels }) => labels.rpc ?? '',
  );
  return [...requests]
    .map(([rpc, found]) => ({
      rpc,
      perSecond: (sumOf(found) ?? 0) / seconds,
      errorsPerSecond: (sumOf(found.filter(({ labels }) => FAILURE_CODES.includes(labels.code ?? ''))) ?? 0) / seconds,
      p99Ms: quantileMs(buckets.get(rpc) ?? [], 0.99, 1_000),
    }))
    .filter(({ perSecond }) => perSecond > 0)
    .sort((a, b) => b.perSecond - a.perSecond);
}

function frontDoorRate(rises: Rises, seconds: number): Rate {
  const ofPeople = rises.filter(({ labels }) => labels.envoy_http_conn_manager_prefix === frontDoorPrefix);
  const answers = samplesOf(ofPeople, 'envoy_http_downstream_rq_xx');
  const faults = answers.filter(({ labels }) => labels.envoy_response_code_class === '5');
  return {
    perSecond: (sumOf(answers) ?? 0) / seconds,
    errorsPerSecond: (sumOf(faults) ?? 0) / seconds,
    p99Ms: quantileMs(samplesOf(ofPeople, 'envoy_http_downstream_rq_time_bucket'), 0.99, 1),
  };
}

/**
 * As Prometheus' histogram_quantile: within a bucket values lie evenly; above the last bound, it is the last bound.
 * @param buckets cumulative, of one histogram or of several with the same bounds
 * @param unitMs milliseconds in one unit of the bounds
 */
export function quantileMs(buckets: readonly Sample[], share: number, unitMs: number): number | undefined {
  const byBound = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    byBound.set(bound, (byBound.get(bound) ?? 0) + value);
  }
  const sorted = [...byBound].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  let [lower, below] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= rank && Number.isFinite(bound)) {
      const value = lower + ((bound - lower) * (rank - below)) / Math.max(count - below, 1);
      // To the microsecond: more is not measured.
      return Math.round(value * unitMs * 1_000) / 1_000;
    }
    if (Number.isFinite(bound)) [lower, below] = [bound, count];
  }
  return lower * unitMs;
}

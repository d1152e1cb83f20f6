/**
 * Prometheus metrics of one process. One object is made at start and handed to what records; tests make their own.
 */
import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';
import type { Reason } from '#kit/errors.ts';
import { withTimeLimit } from '#kit/time-limit.ts';

export type { Counter, Gauge, Histogram } from 'prom-client';

/** Bounds in seconds, from a Redis read to the five-second default deadline. */
export const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const SAMPLE_LIMIT_MS = 1_000;

/** Counts and times the calls of one RPC. */
export interface RpcRecorder {
  /**
   * @param code the gRPC status by name, such as OK or NOT_FOUND.
   * @param reason why it was refused; OTHER for what is no error of ours
   */
  record(code: string, durationSeconds: number, reason?: Reason | 'OTHER'): void;
}

export interface Metrics {
  readonly registry: Registry;
  /** All metrics in Prometheus' text format, after what `onCollect` registered has run (at most one second). */
  render(): Promise<string>;
  /** Runs before each scrape, for gauges whose value must be asked for. Gives a function that ends it. */
  onCollect(sample: () => Promise<void> | void): () => void;
  /** The recorder of an RPC, by its full name such as oxo.post.v1.PostService/CreatePost. Get it once, when the server is built. */
  rpcServer(rpc: string): RpcRecorder;
  /** The metric of that name, made when it does not exist yet. */
  counter<L extends string = never>(configuration: CounterConfiguration<L>): Counter<L>;
  gauge<L extends string = never>(configuration: GaugeConfiguration<L>): Gauge<L>;
  histogram<L extends string = never>(configuration: HistogramConfiguration<L>): Histogram<L>;
}

/** @param options.processMetrics adds memory, CPU, event loop and garbage collection of the process. */
export function createMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  // The default of 10 ms would wake an idle process a hundred times a second.
  if (options.processMetrics) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });

  const existing = <M>(name: string): M | undefined => registry.getSingleMetric(name) as M | undefined;
  const counter = <L extends string>(configuration: CounterConfiguration<L>): Counter<L> =>
    existing<Counter<L>>(configuration.name) ?? new Counter({ ...configuration, registers: [registry] });
  const gauge = <L extends string>(configuration: GaugeConfiguration<L>): Gauge<L> =>
    existing<Gauge<L>>(configuration.name) ?? new Gauge({ ...configuration, registers: [registry] });
  const histogram = <L extends string>(configuration: HistogramConfiguration<L>): Histogram<L> =>
    existing<Histogram<L>>(configuration.name) ?? new Histogram({ ...configuration, registers: [registry] });

  const requests = counter({
    name: 'oxo_rpc_server_requests_total',
    help: 'RPCs answered, by gRPC status.',
    labelNames: ['rpc', 'code'],
  });
  const durations = histogram({
    name: 'oxo_rpc_server_duration_seconds',
    help: 'Time from an RPC arriving to its answer.',
    labelNames: ['rpc'],
    buckets: LATENCY_BUCKETS_SECONDS,
  });
  const refusals = counter({
    name: 'oxo_rpc_refusals_total',
    help: 'RPCs refused, by the reason that the caller was told.',
    labelNames: ['rpc', 'reason'],
  });
  const samples = new Set<() => Promise<void> | void>();
  return {
    registry,
    counter,
    gauge,
    histogram,
    rpcServer: (rpc) => createRpcRecorder({ requests, durations, refusals }, rpc),
    onCollect: (sample) => {
      samples.add(sample);
      return () => samples.delete(sample);
    },
    render: async () => {
      // A value that cannot be had now keeps its last one: the rest of the scrape is worth more.
      await Promise.allSettled([...samples].map(async (sample) => withTimeLimit(sample(), SAMPLE_LIMIT_MS, 'sample')));
      return registry.metrics();
    },
  };
}

interface RpcMetrics {
  requests: Counter<'rpc' | 'code'>;
  durations: Histogram<'rpc'>;
  refusals: Counter<'rpc' | 'reason'>;
}

function createRpcRecorder({ requests, durations, refusals }: RpcMetrics, rpc: string): RpcRecorder {
  const duration = durations.labels(rpc);
  // At most one entry a gRPC status, seventeen, and one a reason of ours. Not made before: most RPCs meet few of them.
  const byCode = new Map<string, Counter.Internal>();
  const byReason = new Map<string, Counter.Internal>();
  return {
    record(code, durationSeconds, reason) {
      childOf(byCode, requests, rpc, code).inc();
      duration.observe(durationSeconds);
      if (reason !== undefined) childOf(byReason, refusals, rpc, reason).inc();
    },
  };
}

function childOf(known: Map<string, Counter.Internal>, counter: Counter, rpc: string, value: string): Counter.Internal {
  let child = known.get(value);
  if (child === undefined) {
    child = counter.labels(rpc, value);
    known.set(value, child);
  }
  return child;
}

/** Makes the series of these values of the label, with 0: an alert must tell what never happened from what nobody counts. */
export function startAtZero<L extends string>(counter: Counter<L>, ...labels: readonly Record<L, string>[]): void {
  for (const each of labels) counter.inc(each, 0);
}

/** Metrics of one work consumer. */
import { systemClock } from '#kit/clock.ts';
import {
  type Counter,
  type Histogram,
  LATENCY_BUCKETS_SECONDS,
  type Metrics,
  startAtZero,
} from '#kit/observability/metrics.ts';

/** As far as the longest time that a consumer has for one try (`ackWaitMs`). */
const TRY_BUCKETS_SECONDS = [...LATENCY_BUCKETS_SECONDS, 10, 30, 60];

export interface ConsumerMetrics {
  handled: Counter.Internal;
  failed: Counter.Internal;
  redelivered: Counter.Internal;
  dead: Counter.Internal;
  duration: Histogram.Internal<'consumer'>;
  /** Sets how many events wait for their first delivery, and how many for their acknowledgement. */
  setLag(pending: number, unacknowledged: number): void;
  /** Nobody knows it now. */
  forgetLag(): void;
  /** The server was asked for events just now. */
  fetched(): void;
}

/** The metrics `oxo_consumer_*` of one consumer. Durations are in seconds. */
export function createConsumerMetrics(metrics: Metrics, consumer: string): ConsumerMetrics {
  const counter = (name: string, help: string) => {
    const all = metrics.counter({ name, help, labelNames: ['consumer'] });
    startAtZero(all, { consumer });
    return all.labels(consumer);
  };
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labelNames: ['consumer'] });
  const lag = gauge('oxo_consumer_lag', 'Events that no replica was given yet.');
  const lastFetch = gauge(
    'oxo_consumer_last_fetch_timestamp_seconds',
    'When events were last asked for, also when there are none; 0 before the first time.',
  ).labels(consumer);
  lastFetch.set(0);
  const waiting = gauge('oxo_consumer_unacknowledged', 'Events in work or waiting for another try.');
  return {
    handled: counter('oxo_consumer_handled_total', 'Events handled.'),
    failed: counter('oxo_consumer_failed_total', 'Tries that failed.'),
    redelivered: counter('oxo_consumer_redelivered_total', 'Deliveries after the first.'),
    dead: counter('oxo_consumer_dead_total', 'Events given up.'),
    duration: metrics
      .histogram({
        name: 'oxo_consumer_duration_seconds',
        help: 'Time that one try took.',
        labelNames: ['consumer'],
        buckets: TRY_BUCKETS_SECONDS,
      })
      .labels(consumer),
    setLag: (pending, unacknowledged) => {
      lag.set({ consumer }, pending);
      waiting.set({ consumer }, unacknowledged);
    },
    forgetLag: () => {
      lag.remove(consumer);
      waiting.remove(consumer);
    },
    fetched: () => lastFetch.set(systemClock.nowMs() / 1_000),
  };
}

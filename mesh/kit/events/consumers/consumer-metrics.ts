/** Metrics of one work consumer. */
import { type Counter, type Histogram, LATENCY_BUCKETS_SECONDS, type Metrics } from '#kit/observability/metrics.ts';

export interface ConsumerMetrics {
  handled: Counter.Internal;
  failed: Counter.Internal;
  redelivered: Counter.Internal;
  dead: Counter.Internal;
  duration: Histogram.Internal<'consumer'>;
  /** Sets how many events wait for their first delivery, and how many for their acknowledgement. */
  setLag(pending: number, unacknowledged: number): void;
}

/** The metrics `oxo_consumer_*` of one consumer. Durations are in seconds. */
export function createConsumerMetrics(metrics: Metrics, consumer: string): ConsumerMetrics {
  const counter = (name: string, help: string) =>
    metrics.counter({ name, help, labelNames: ['consumer'] }).labels(consumer);
  const gauge = (name: string, help: string) =>
    metrics.gauge({ name, help, labelNames: ['consumer'] }).labels(consumer);
  const lag = gauge('oxo_consumer_lag', 'Events that no replica was given yet.');
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
        buckets: LATENCY_BUCKETS_SECONDS,
      })
      .labels(consumer),
    setLag: (pending, unacknowledged) => {
      lag.set(pending);
      waiting.set(unacknowledged);
    },
  };
}

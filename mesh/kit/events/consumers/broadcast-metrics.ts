/** Metrics of the reader of one broadcast stream. */
import { type Counter, type Metrics, startAtZero } from '#kit/observability/metrics.ts';

export interface BroadcastMetrics {
  handled: Counter.Internal;
  failed: Counter.Internal;
  /** Everything that was in the stream has been handled, at this time in milliseconds since 1970. */
  current(atMs: number): void;
}

/** The metrics `oxo_broadcast_*` of one stream. */
export function createBroadcastMetrics(metrics: Metrics, stream: string): BroadcastMetrics {
  const counter = (name: string, help: string) => {
    const all = metrics.counter({ name, help, labelNames: ['stream'] });
    startAtZero(all, { stream });
    return all.labels(stream);
  };
  const current = metrics
    .gauge({
      name: 'oxo_broadcast_current_timestamp_seconds',
      help: 'When this process last knew that it had heard all that a broadcast stream holds; 0 before the first time.',
      labelNames: ['stream'],
    })
    .labels(stream);
  current.set(0);
  return {
    handled: counter('oxo_broadcast_handled_total', 'Messages of a broadcast stream that this process has handled.'),
    failed: counter('oxo_broadcast_failed_total', 'Messages of a broadcast stream that were passed over: they failed.'),
    current: (atMs) => current.set(atMs / 1_000),
  };
}

import { LATENCY_BUCKETS_SECONDS, type Metrics } from '#kit/observability/metrics.ts';

/** Counts and times requests. @param route its path as it was declared; empty for what no handler stands for */
export type HttpRecorder = (route: string, status: number, durationSeconds: number) => void;

export function createHttpRecorder(metrics: Metrics): HttpRecorder {
  const requests = metrics.counter({
    name: 'oxo_http_server_requests_total',
    help: 'HTTP requests answered, by status.',
    labelNames: ['route', 'status'],
  });
  const durations = metrics.histogram({
    name: 'oxo_http_server_duration_seconds',
    help: 'Time from an HTTP request arriving to its answer.',
    labelNames: ['route'],
    buckets: LATENCY_BUCKETS_SECONDS,
  });
  return (route, status, durationSeconds) => {
    requests.labels(route, String(status)).inc();
    durations.labels(route).observe(durationSeconds);
  };
}

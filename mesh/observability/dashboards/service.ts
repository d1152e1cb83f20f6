import type { Chart, Dashboard, Row } from './model.ts';

/** What differs from service to service. */
export type ServiceDashboard = {
  readonly name: string;
  readonly does: string;
  /** Whether it has tables, and so a pool of connections and an outbox. */
  readonly hasDatabase: boolean;
};

/** One dashboard of a service, the same for each: what it is asked, what it needs, and how its processes do. */
export function serviceDashboard({ name, does, hasDatabase }: ServiceDashboard): Dashboard {
  const job = `job="${name}"`;
  const one = `${job},instance=~"$instance"`;
  const rows = [rpcs(job), ...(hasDatabase ? [database(one)] : []), processes(one)];
  return {
    uid: `oxo-service-${name}`,
    title: `Service ${name}`,
    description: does,
    variables: [{ name: 'instance', label: 'Process', metric: `up{${job}}`, of: 'instance' }],
    rows,
  };
}

function rpcs(job: string): Row {
  return {
    title: 'RPCs, of all processes together',
    panels: [
      lines('Calls', 'Calls a second, by RPC.', 'reqps', [
        { expr: `topk(15, job_rpc:oxo_rpc_server_requests:rate5m{${job}})`, legend: '{{rpc}}' },
      ]),
      lines('Slowest hundredth', 'Time within which 99 of 100 calls are answered, by RPC.', 's', [
        { expr: `topk(15, job_rpc:oxo_rpc_server_duration_seconds:p99_rate5m{${job}})`, legend: '{{rpc}}' },
      ]),
      lines('Failed', 'Calls that we failed, a second. None is good.', 'reqps', [
        { expr: `topk(15, job_rpc:oxo_rpc_server_requests_failed:rate5m{${job}})`, legend: '{{rpc}}' },
      ]),
      lines(
        'Refused, by reason',
        'What callers were told, a second. A reason that jumps is a client that changed, or an attack.',
        'reqps',
        [
          {
            expr: `topk(15, sum by (reason) (rate(oxo_rpc_refusals_total{${job}}[$__rate_interval])))`,
            legend: '{{reason}}',
          },
        ],
      ),
    ],
  };
}

function database(one: string): Row {
  return {
    title: 'Postgres and outbox',
    panels: [
      lines('Connections of the pool', 'Those in use and those that are free.', 'short', [
        { expr: `sum by (state) (oxo_db_pool_connections{${one}})`, legend: '{{state}}' },
      ]),
      lines(
        'Wait for a connection',
        'Statements and transactions that wait now. Always some is DatabasePoolExhausted.',
        'short',
        [{ expr: `sum(oxo_db_pool_waiting{${one}})`, legend: 'waiting' }],
      ),
      lines('How long they wait', 'The time within which 99 of 100 have got a connection.', 's', [
        {
          expr: `histogram_quantile(0.99, sum by (le) (rate(oxo_db_pool_wait_seconds_bucket{${one}}[$__rate_interval])))`,
          legend: '99 %',
        },
      ]),
      lines(
        'Outbox',
        'How long its oldest event has waited for NATS. After 60 seconds the alert OutboxStuck fires.',
        's',
        [{ expr: `max(oxo_outbox_age_seconds{${one}})`, legend: 'oldest event' }],
        60,
      ),
    ],
  };
}

function processes(one: string): Row {
  const rate = (metric: string): string => `rate(${metric}{${one}}[$__rate_interval])`;
  return {
    title: 'Processes',
    panels: [
      lines(
        'Processor',
        'Of one processor: at 1 a process of Node can do no more.',
        'percentunit',
        [{ expr: rate('process_cpu_seconds_total'), legend: '{{instance}}' }],
        0.9,
      ),
      lines('Memory', 'Resident memory of each process, and the part of the heap that is in use.', 'bytes', [
        { expr: `process_resident_memory_bytes{${one}}`, legend: '{{instance}}' },
        { expr: `nodejs_heap_size_used_bytes{${one}}`, legend: '{{instance}} heap' },
      ]),
      lines(
        'Event loop',
        'How long others wait for their turn, for 99 of 100 (measured every 100 ms, which is its least).',
        's',
        [{ expr: `nodejs_eventloop_lag_p99_seconds{${one}}`, legend: '{{instance}}' }],
        0.5,
      ),
      lines(
        'Garbage collection',
        'Seconds of each second in which memory is cleaned up.',
        'percentunit',
        [{ expr: `sum by (instance) (${rate('nodejs_gc_duration_seconds_sum')})`, legend: '{{instance}}' }],
        0.2,
      ),
      lines('Caches in memory', 'Share of requests that a cache could answer.', 'percentunit', [
        {
          expr: `sum by (cache) (rate(oxo_cache_requests_total{${one},outcome="hit"}[$__rate_interval])) / (sum by (cache) (rate(oxo_cache_requests_total{${one}}[$__rate_interval])) > 0)`,
          legend: '{{cache}}',
        },
      ]),
      lines('Log lines', 'A second, by level. Errors are worth reading.', 'ops', [
        { expr: `sum by (level) (${rate('oxo_log_lines_total')})`, legend: '{{level}}' },
      ]),
      lines('What it needs', 'Whether each of its dependencies can be used: 1, or 0.', 'short', [
        { expr: `min by (dependency) (oxo_dependency_up{${one}})`, legend: '{{dependency}}' },
      ]),
    ],
  };
}

function lines(
  title: string,
  description: string,
  unit: Chart['unit'],
  queries: Chart['queries'],
  bad?: number,
): Chart {
  return { kind: 'lines', title, description, unit, queries, ...(bad === undefined ? {} : { bad }) };
}

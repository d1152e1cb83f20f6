import type { Dashboard, Row } from './model.ts';

const of = 'job=~"$job",instance=~"$instance"';
const rate = (metric: string): string => `rate(${metric}{${of}}[$__rate_interval])`;

const memory: Row = {
  title: 'Memory',
  panels: [
    {
      kind: 'lines',
      title: 'In use',
      description: 'Share of maxmemory. At all of it Redis drops what was used least.',
      unit: 'percentunit',
      bad: 0.95,
      queries: [
        {
          expr: `redis_memory_used_bytes{${of}} / (redis_memory_max_bytes{${of}} > 0)`,
          legend: '{{job}} {{instance}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Bytes in use',
      description: 'What the data and the connections take.',
      unit: 'bytes',
      queries: [{ expr: `redis_memory_used_bytes{${of}}`, legend: '{{job}} {{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Keys that went',
      description: 'evicted: there was no room, which costs a rebuild each. expired: their time was over.',
      unit: 'ops',
      queries: [
        { expr: `sum by (job) (${rate('redis_evicted_keys_total')})`, legend: '{{job}} evicted' },
        { expr: `sum by (job) (${rate('redis_expired_keys_total')})`, legend: '{{job}} expired' },
      ],
    },
    {
      kind: 'lines',
      title: 'Keys',
      description: 'How many there are, by database.',
      unit: 'short',
      queries: [{ expr: `sum by (job, db) (redis_db_keys{${of}})`, legend: '{{job}} {{db}}' }],
    },
  ],
};

const work: Row = {
  title: 'Work',
  panels: [
    {
      kind: 'lines',
      title: 'Commands',
      description: 'A second, by server.',
      unit: 'ops',
      queries: [{ expr: `sum by (job) (${rate('redis_commands_processed_total')})`, legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'Found',
      description: 'Share of reads that found their key.',
      unit: 'percentunit',
      queries: [
        {
          expr: `sum by (job) (${rate('redis_keyspace_hits_total')}) / (sum by (job) (${rate('redis_keyspace_hits_total')}) + sum by (job) (${rate('redis_keyspace_misses_total')}) > 0)`,
          legend: '{{job}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Time by command',
      description:
        'Seconds of its one thread that a command takes, each second. At 1 in sum it does nothing else any more.',
      unit: 's',
      stacked: true,
      bad: 0.9,
      queries: [
        {
          expr: `topk(10, sum by (job, cmd) (${rate('redis_commands_duration_seconds_total')}))`,
          legend: '{{job}} {{cmd}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Connections',
      description: 'Those that are open now.',
      unit: 'short',
      queries: [{ expr: `sum by (job) (redis_connected_clients{${of}})`, legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'Connections that were refused',
      description: 'A second: there were as many as maxclients allows. None is good.',
      unit: 'ops',
      queries: [{ expr: `sum by (job) (${rate('redis_rejected_connections_total')})`, legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'Failures that services saw',
      description: 'Calls that did not get an answer of Redis, by service. What was asked comes from Postgres then.',
      unit: 'ops',
      queries: [{ expr: 'sum by (job) (rate(oxo_redis_failures_total[$__rate_interval]))', legend: '{{job}}' }],
    },
  ],
};

export const redis: Dashboard = {
  uid: 'oxo-redis',
  title: 'Redis',
  description: 'Both servers: the one of feeds and read models, and the one in which limits are counted.',
  variables: [
    { name: 'job', label: 'Server', metric: 'redis_up', of: 'job' },
    { name: 'instance', label: 'Process', metric: 'redis_up', of: 'instance' },
  ],
  rows: [memory, work],
};

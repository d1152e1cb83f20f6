import type { Dashboard, Row } from './model.ts';

/** The exporter of one machine, or CloudNativePG's, which tell the same under two names. */
const either = (make: (prefix: string) => string): string => `${make('pg')} or ${make('cnpg_pg')}`;

const work: Row = {
  title: 'Work',
  panels: [
    {
      kind: 'lines',
      title: 'Transactions',
      description:
        'Committed and rolled back, a second; in a cluster by primary and replicas together. Some are rolled back always: conflicts, and what callers do twice.',
      unit: 'ops',
      queries: [
        {
          expr: either((prefix) => `sum(rate(${prefix}_stat_database_xact_commit{datname="oxo"}[$__rate_interval]))`),
          legend: 'committed',
        },
        {
          expr: either((prefix) => `sum(rate(${prefix}_stat_database_xact_rollback{datname="oxo"}[$__rate_interval]))`),
          legend: 'rolled back',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Rows',
      description:
        'Rows that were read by statements, and written, a second; in a cluster by primary and replicas together.',
      unit: 'ops',
      queries: [
        {
          expr: either((prefix) => `sum(rate(${prefix}_stat_database_tup_fetched{datname="oxo"}[$__rate_interval]))`),
          legend: 'read',
        },
        {
          expr: either((prefix) => `sum(rate(${prefix}_stat_database_tup_inserted{datname="oxo"}[$__rate_interval]))`),
          legend: 'inserted',
        },
        {
          expr: either((prefix) => `sum(rate(${prefix}_stat_database_tup_updated{datname="oxo"}[$__rate_interval]))`),
          legend: 'updated',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Read from memory',
      description:
        'Share of pages that Postgres, with its replicas, had in its own memory. Below 99 % its memory is too small for what is asked.',
      unit: 'percentunit',
      queries: [
        {
          expr: either(
            (prefix) =>
              `sum(rate(${prefix}_stat_database_blks_hit{datname="oxo"}[$__rate_interval])) / (sum(rate(${prefix}_stat_database_blks_hit{datname="oxo"}[$__rate_interval])) + sum(rate(${prefix}_stat_database_blks_read{datname="oxo"}[$__rate_interval])) > 0)`,
          ),
          legend: 'from memory',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Deadlocks',
      description: 'Transactions that Postgres ended because they waited for each other, a second. None is good.',
      unit: 'ops',
      bad: 0.1,
      queries: [
        {
          expr: either((prefix) => `sum(rate(${prefix}_stat_database_deadlocks{datname="oxo"}[$__rate_interval]))`),
          legend: 'deadlocks',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Size',
      description: 'Of the database on disk, indexes included. Each replica has as much.',
      unit: 'bytes',
      queries: [{ expr: either((prefix) => `max(${prefix}_database_size_bytes{datname="oxo"})`), legend: 'oxo' }],
    },
  ],
};

const connections: Row = {
  title: 'Connections',
  panels: [
    {
      kind: 'lines',
      title: 'By what they do',
      description: 'active: a statement runs. idle in transaction: somebody holds locks and does nothing.',
      unit: 'short',
      stacked: true,
      queries: [
        {
          expr: 'sum by (state) (pg_stat_activity_count) or sum by (state) (cnpg_backends_total)',
          legend: '{{state}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Longest transaction',
      description:
        'Age of the oldest transaction. What is older than a minute keeps dead rows from being cleaned away.',
      unit: 's',
      bad: 60,
      queries: [
        {
          expr: 'max(pg_stat_activity_max_tx_duration) or max(cnpg_backends_max_tx_duration_seconds)',
          legend: 'oldest',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Requests that wait for a connection',
      description:
        'In the pools of our services. Some for a moment are harmless; always some is DatabasePoolExhausted.',
      unit: 'short',
      bad: 1,
      queries: [{ expr: 'sum by (job) (oxo_db_pool_waiting)', legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'How long they wait',
      description: 'Time for a connection of the pool, for 99 of 100 requests.',
      unit: 's',
      bad: 0.1,
      queries: [
        {
          expr: 'histogram_quantile(0.99, sum by (job, le) (rate(oxo_db_pool_wait_seconds_bucket[$__rate_interval])))',
          legend: '{{job}}',
        },
      ],
    },
  ],
};

const disk: Row = {
  title: 'Disk',
  panels: [
    {
      kind: 'lines',
      title: 'Free space',
      description: 'Of the disks of machines, and of the volumes of a cluster. Below 64 MiB writes are refused.',
      unit: 'bytes',
      queries: [
        { expr: 'node_filesystem_avail_bytes{fstype!~"tmpfs|squashfs"}', legend: '{{instance}} {{mountpoint}}' },
        {
          expr: 'kubelet_volume_stats_available_bytes{namespace="oxo-infra"}',
          legend: '{{persistentvolumeclaim}}',
          place: 'cluster',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Time of a write',
      description: 'What the machine’s disks take for one write. Every commit waits for one.',
      unit: 's',
      bad: 0.1,
      queries: [
        {
          expr: 'rate(node_disk_write_time_seconds_total[$__rate_interval]) / (rate(node_disk_writes_completed_total[$__rate_interval]) > 0)',
          legend: '{{instance}} {{device}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Replicas behind',
      description: 'How far each replica is behind the primary.',
      unit: 's',
      bad: 30,
      queries: [{ expr: 'max by (pod) (cnpg_pg_replication_lag)', legend: '{{pod}}', place: 'cluster' }],
    },
    {
      kind: 'lines',
      title: 'Log that was not archived',
      description:
        'Tries to archive a file of the log that failed. Until one succeeds the files stay on the disk, and fill it.',
      unit: 'short',
      bad: 1,
      queries: [
        {
          expr: 'max by (pod) (increase(cnpg_pg_stat_archiver_failed_count[$__rate_interval]))',
          legend: '{{pod}}',
          place: 'cluster',
        },
      ],
    },
  ],
};

export const postgres: Dashboard = {
  uid: 'oxo-postgres',
  title: 'Postgres',
  description: 'What Postgres does, who waits for it, and its disk.',
  variables: [],
  rows: [work, connections, disk],
};

import type { Dashboard, Row } from './model.ts';

const outbox: Row = {
  title: 'Outbox',
  panels: [
    {
      kind: 'lines',
      title: 'Oldest event',
      description:
        'How long the oldest event has waited for NATS, by service. After 60 seconds the alert OutboxStuck fires.',
      unit: 's',
      bad: 60,
      queries: [{ expr: 'job:oxo_outbox_age_seconds:max', legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'Events that wait',
      description: 'Rows in the outbox of each service that are not published yet.',
      unit: 'short',
      queries: [{ expr: 'max by (job) (oxo_outbox_waiting)', legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'Published',
      description: 'Events that NATS has taken, a second, by service.',
      unit: 'ops',
      queries: [{ expr: 'sum by (job) (rate(oxo_outbox_published_total[$__rate_interval]))', legend: '{{job}}' }],
    },
    {
      kind: 'number',
      title: 'Dead letters',
      description: 'Events that were given up and neither replayed nor dropped. ./oxo dead-letters list shows them.',
      unit: 'short',
      bad: 1,
      queries: [{ expr: 'max(jetstream_stream_total_messages{stream_name="DEAD_LETTERS"})', legend: 'letters' }],
    },
  ],
};

const of = 'consumer=~"$consumer"';

const consumers: Row = {
  title: 'Consumers',
  panels: [
    {
      kind: 'lines',
      title: 'Events that wait',
      description: 'Events that no process was given yet. After 1000 for five minutes the alert ConsumerLagging fires.',
      unit: 'short',
      bad: 1000,
      queries: [{ expr: `consumer:oxo_consumer_lag:max{${of}}`, legend: '{{consumer}}' }],
    },
    {
      kind: 'lines',
      title: 'In work',
      description: 'Events that were delivered and are not acknowledged, those that wait for another try included.',
      unit: 'short',
      queries: [{ expr: `consumer:oxo_consumer_unacknowledged:max{${of}}`, legend: '{{consumer}}' }],
    },
    {
      kind: 'lines',
      title: 'Handled',
      description: 'Events that were handled, a second.',
      unit: 'ops',
      queries: [{ expr: `consumer:oxo_consumer_handled:rate5m{${of}}`, legend: '{{consumer}}' }],
    },
    {
      kind: 'lines',
      title: 'Time of one try',
      description:
        'How long 99 of 100 tries take. After 30 seconds (of feed: 10, a mail: 60) an event is delivered again.',
      unit: 's',
      bad: 30,
      queries: [{ expr: `consumer:oxo_consumer_duration_seconds:p99_rate5m{${of}}`, legend: '{{consumer}}' }],
    },
    {
      kind: 'lines',
      title: 'Failed tries and repeated deliveries',
      description: 'Both are normal for a moment when a server is away. More than a tenth of all deliveries is not.',
      unit: 'ops',
      queries: [
        {
          expr: `sum by (consumer) (rate(oxo_consumer_failed_total{${of}}[$__rate_interval]))`,
          legend: '{{consumer}} failed',
        },
        { expr: `consumer:oxo_consumer_redelivered:rate5m{${of}}`, legend: '{{consumer}} repeated' },
      ],
    },
    {
      kind: 'lines',
      title: 'Since a consumer last asked',
      description: 'It asks every ten seconds when nothing is there. After 60 it has stopped.',
      unit: 's',
      bad: 60,
      queries: [
        {
          expr: `time() - max by (consumer) (oxo_consumer_last_fetch_timestamp_seconds{${of}})`,
          legend: '{{consumer}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Given up',
      description: 'Events that became dead letters within the hour.',
      unit: 'short',
      bad: 1,
      queries: [{ expr: `sum by (consumer) (increase(oxo_consumer_dead_total{${of}}[1h]))`, legend: '{{consumer}}' }],
    },
  ],
};

export const events: Dashboard = {
  uid: 'oxo-events',
  title: 'Events and outbox',
  description: 'The way of an event: from the outbox by NATS to its last consumer.',
  variables: [{ name: 'consumer', label: 'Consumer', metric: 'oxo_consumer_lag', of: 'consumer' }],
  rows: [outbox, consumers],
};

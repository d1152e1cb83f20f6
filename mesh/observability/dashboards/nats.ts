import type { Dashboard, Row } from './model.ts';

const server: Row = {
  title: 'Servers',
  panels: [
    {
      kind: 'lines',
      title: 'Messages',
      description: 'Into the servers and out of them, a second.',
      unit: 'ops',
      queries: [
        { expr: 'sum(rate(gnatsd_varz_in_msgs[$__rate_interval]))', legend: 'in' },
        { expr: 'sum(rate(gnatsd_varz_out_msgs[$__rate_interval]))', legend: 'out' },
      ],
    },
    {
      kind: 'lines',
      title: 'Bytes',
      description: 'Into the servers and out of them, a second.',
      unit: 'Bps',
      queries: [
        { expr: 'sum(rate(gnatsd_varz_in_bytes[$__rate_interval]))', legend: 'in' },
        { expr: 'sum(rate(gnatsd_varz_out_bytes[$__rate_interval]))', legend: 'out' },
      ],
    },
    {
      kind: 'lines',
      title: 'Connections',
      description: 'Each process of ours has one, some two.',
      unit: 'short',
      queries: [{ expr: 'gnatsd_varz_connections', legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Clients that were too slow',
      description: 'Connections that were closed because they did not read fast enough.',
      unit: 'ops',
      queries: [
        { expr: 'sum by (instance) (rate(gnatsd_varz_slow_consumers[$__rate_interval]))', legend: '{{instance}}' },
      ],
    },
    {
      kind: 'lines',
      title: 'Memory',
      description: 'Of each server.',
      unit: 'bytes',
      queries: [{ expr: 'gnatsd_varz_mem', legend: '{{instance}}' }],
    },
  ],
};

const jetStream: Row = {
  title: 'JetStream',
  panels: [
    {
      kind: 'lines',
      title: 'Messages by stream',
      description: 'EVENTS keeps 14 days, DEAD_LETTERS 30, REVOCATIONS 20 minutes.',
      unit: 'short',
      queries: [{ expr: 'max by (stream_name) (jetstream_stream_total_messages)', legend: '{{stream_name}}' }],
    },
    {
      kind: 'lines',
      title: 'Bytes by stream',
      description: 'On the disk of each server that holds the stream.',
      unit: 'bytes',
      queries: [{ expr: 'max by (stream_name) (jetstream_stream_total_bytes)', legend: '{{stream_name}}' }],
    },
    {
      kind: 'lines',
      title: 'Events that wait, as the server sees it',
      description: 'By consumer, also while no process of its service runs.',
      unit: 'short',
      bad: 1000,
      queries: [
        {
          expr: 'max by (consumer_name) (jetstream_consumer_num_pending{stream_name="EVENTS"})',
          legend: '{{consumer_name}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Delivered and not acknowledged',
      description: 'By consumer. At its bound (256, mails and erasures 1024) it gets no more.',
      unit: 'short',
      queries: [
        {
          expr: 'max by (consumer_name) (jetstream_consumer_num_ack_pending{stream_name="EVENTS"})',
          legend: '{{consumer_name}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Delivered again',
      description: 'Messages in work that were delivered before, by consumer.',
      unit: 'short',
      queries: [
        {
          expr: 'max by (consumer_name) (jetstream_consumer_num_redelivered{stream_name="EVENTS"})',
          legend: '{{consumer_name}}',
        },
      ],
    },
  ],
};

export const nats: Dashboard = {
  uid: 'oxo-nats',
  title: 'NATS',
  description: 'The servers, the streams and their consumers as NATS itself sees them.',
  variables: [],
  rows: [server, jetStream],
};

import type { Dashboard, Row } from './model.ts';

const door = 'envoy_http_conn_manager_prefix="front_door",instance=~"$instance"';

const clients: Row = {
  title: 'Clients',
  panels: [
    {
      kind: 'lines',
      title: 'Answers',
      description: 'By class of status. 4xx: what clients did wrong or too often. 5xx: what we did.',
      unit: 'reqps',
      stacked: true,
      queries: [
        {
          expr: `sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx{${door}}[$__rate_interval]))`,
          legend: '{{envoy_response_code_class}}xx',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Time to answer',
      description:
        'From the first byte of a request to the last of the answer: a client that sends slowly counts as well. We promise that 99 of 100 take less than 500 ms.',
      unit: 'ms',
      bad: 500,
      queries: [0.5, 0.9, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(envoy_http_downstream_rq_time_bucket{${door}}[$__rate_interval])))`,
        legend: `${quantile * 100} %`,
      })),
    },
    {
      kind: 'lines',
      title: 'Connections and requests in hand',
      description:
        'What clients hold open now. A wall of connections without requests is somebody who only holds them.',
      unit: 'short',
      queries: [
        { expr: `sum(envoy_http_downstream_cx_active{${door}})`, legend: 'connections' },
        { expr: `sum(envoy_http_downstream_rq_active{${door}})`, legend: 'requests' },
      ],
    },
    {
      kind: 'lines',
      title: 'Limits',
      description:
        'Requests a second that a limit refused with 429: of Envoy itself by network or caller, of the rate limit service by caller and RPC; and what passed because that one gave no answer.',
      unit: 'reqps',
      queries: [
        {
          expr: 'sum by (envoy_local_http_ratelimit_prefix) (rate(envoy_http_local_rate_limit_rate_limited{instance=~"$instance"}[$__rate_interval]))',
          legend: '{{envoy_local_http_ratelimit_prefix}}',
        },
        {
          expr: 'sum(rate(envoy_cluster_ratelimit_over_limit{instance=~"$instance"}[$__rate_interval])) or vector(0)',
          legend: 'rate limit service',
        },
        {
          expr: 'sum(rate(envoy_cluster_ratelimit_failure_mode_allowed{instance=~"$instance"}[$__rate_interval])) or vector(0)',
          legend: 'passed uncounted',
        },
      ],
    },
  ],
};

const upstream = 'instance=~"$instance",envoy_cluster_name=~"$cluster"';

const services: Row = {
  title: 'Services behind it',
  panels: [
    {
      kind: 'lines',
      title: 'Calls by service',
      description: 'What the front door asks of each service.',
      unit: 'reqps',
      queries: [
        {
          expr: `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_total{${upstream}}[$__rate_interval]))`,
          legend: '{{envoy_cluster_name}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Slowest hundredth by service',
      description: 'How long a service takes as the front door sees it, for 99 of 100.',
      unit: 'ms',
      bad: 500,
      queries: [
        {
          expr: `histogram_quantile(0.99, sum by (envoy_cluster_name, le) (rate(envoy_cluster_upstream_rq_time_bucket{${upstream}}[$__rate_interval])))`,
          legend: '{{envoy_cluster_name}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Left out',
      description: 'Processes that the front door leaves out since they fail or do not answer. None is good.',
      unit: 'short',
      bad: 1,
      queries: [
        {
          expr: `sum by (envoy_cluster_name) (envoy_cluster_outlier_detection_ejections_active{${upstream}})`,
          legend: '{{envoy_cluster_name}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Failed and refused before they began',
      description: 'Connections that could not be made, and requests that found too many before them.',
      unit: 'ops',
      queries: [
        {
          expr: `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_cx_connect_fail{${upstream}}[$__rate_interval]))`,
          legend: '{{envoy_cluster_name}} no connection',
        },
        {
          expr: `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_pending_overflow{${upstream}}[$__rate_interval]))`,
          legend: '{{envoy_cluster_name}} too many',
        },
      ],
    },
  ],
};

const process: Row = {
  title: 'Envoy itself',
  panels: [
    {
      kind: 'lines',
      title: 'Memory',
      description: 'What Envoy has allocated. From 95 % of what it may on it refuses requests rather than be killed.',
      unit: 'bytes',
      queries: [{ expr: 'envoy_server_memory_allocated{instance=~"$instance"}', legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Running for',
      description: 'Since when each process runs: a line that falls to nothing is a process that was started again.',
      unit: 's',
      queries: [{ expr: 'envoy_server_uptime{instance=~"$instance"}', legend: '{{instance}}' }],
    },
  ],
};

export const gateway: Dashboard = {
  uid: 'oxo-gateway',
  title: 'Gateway',
  description: 'The front door: what clients ask, what is refused, and how the services behind it answer.',
  variables: [
    { name: 'instance', label: 'Process', metric: 'envoy_http_downstream_rq_total', of: 'instance' },
    { name: 'cluster', label: 'Service', metric: 'envoy_cluster_upstream_rq_total', of: 'envoy_cluster_name' },
  ],
  rows: [clients, services, process],
};

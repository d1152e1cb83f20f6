import { alertsOf, readRuleFiles } from '../rules/read.ts';
import type { Dashboard, Row } from './model.ts';

const runbooks = [...Map.groupBy(alertsOf(readRuleFiles()), ({ annotations }) => annotations.runbook)]
  .map(([path, alerts]) => `- ${[...new Set(alerts.map(({ alert }) => alert))].join(', ')}: \`${path}\``)
  .sort();

const promises: Row = {
  title: 'What we promise',
  panels: [
    {
      kind: 'number',
      title: 'Requests',
      description: 'What the front door answers a second.',
      unit: 'reqps',
      queries: [{ expr: 'sum(class:envoy_http_downstream_rq:rate5m)', legend: 'requests' }],
    },
    {
      kind: 'number',
      title: 'Available, one hour',
      description: 'Answers of the front door that are not 5xx. We promise 99.9 % of 30 days.',
      unit: 'percentunit',
      bad: 0.99,
      notGood: 0.999,
      lessIsWorse: true,
      queries: [
        {
          expr: '1 - sum_over_time(slo:requests_failed:rate5m{slo="front_door_availability"}[1h]) / (sum_over_time(slo:requests:rate5m{slo="front_door_availability"}[1h]) > 0)',
          legend: 'available',
        },
      ],
    },
    {
      kind: 'number',
      title: 'Oldest event in an outbox',
      description: 'Since when an event waits for NATS. A second is much; after 60 the alert OutboxStuck fires.',
      unit: 's',
      notGood: 5,
      bad: 60,
      queries: [{ expr: 'max(job:oxo_outbox_age_seconds:max)', legend: 'age' }],
    },
    {
      kind: 'number',
      title: 'Events that wait for a consumer',
      description: 'The consumer that is most behind. After 1000 for five minutes the alert ConsumerLagging fires.',
      unit: 'short',
      notGood: 100,
      bad: 1000,
      queries: [{ expr: 'max(consumer:oxo_consumer_lag:max)', legend: 'lag' }],
    },
    {
      kind: 'table',
      title: 'Alerts',
      description: 'What fires now. Its runbook stands beside it. Empty is good.',
      unit: 'none',
      queries: [{ expr: 'ALERTS{alertstate="firing"}', legend: '' }],
    },
    {
      kind: 'text',
      title: 'Runbooks',
      description: 'What to do when an alert fires.',
      text: runbooks.join('\n'),
    },
    {
      kind: 'lines',
      title: 'How fast error budgets are spent',
      description:
        'Over one hour: 1 spends the budget of 30 days in 30 days, 14.4 a fiftieth of it in an hour and wakes somebody. Nothing is shown of what nobody asks for.',
      unit: 'none',
      notGood: 1,
      bad: 14.4,
      queries: [{ expr: 'slo:error_budget_burn:rate1h', legend: '{{slo}} {{rpc}}' }],
    },
  ],
};

const requests: Row = {
  title: 'Requests',
  panels: [
    {
      kind: 'lines',
      title: 'Answers of the front door',
      description: 'By class of status: 4xx is what clients did wrong or too often, 5xx what we did.',
      unit: 'reqps',
      stacked: true,
      queries: [{ expr: 'class:envoy_http_downstream_rq:rate5m', legend: '{{envoy_response_code_class}}xx' }],
    },
    {
      kind: 'lines',
      title: 'Slowest hundredth, by RPC',
      description: 'Time in the service within which 99 of 100 calls are answered.',
      unit: 's',
      bad: 0.25,
      queries: [{ expr: 'topk(10, job_rpc:oxo_rpc_server_duration_seconds:p99_rate5m)', legend: '{{rpc}}' }],
    },
    {
      kind: 'lines',
      title: 'RPCs that fail',
      description: 'Calls a second that we failed, by RPC. What callers do wrong is not among them.',
      unit: 'reqps',
      queries: [{ expr: 'topk(10, job_rpc:oxo_rpc_server_requests_failed:rate5m)', legend: '{{rpc}}' }],
    },
    {
      kind: 'lines',
      title: 'From post to feed',
      description: 'From a post to the last feed that it belongs to, for 99 of 100. We promise 5 seconds.',
      unit: 's',
      bad: 5,
      queries: [{ expr: 'oxo:oxo_feed_fanout_duration_seconds:p99_rate5m', legend: '99 %' }],
    },
  ],
};

const processes: Row = {
  title: 'Processes',
  panels: [
    {
      kind: 'table',
      title: 'Versions',
      description:
        'How many processes of each service run which version. Two versions of one service are a roll-out that is under way, or has got stuck.',
      unit: 'none',
      queries: [{ expr: 'count by (job, version) (oxo_build_info)', legend: '' }],
    },
    {
      kind: 'lines',
      title: 'What answers',
      description: 'Processes that Prometheus reaches, by what they are. A line that falls is a process less.',
      unit: 'short',
      queries: [{ expr: 'sum by (job) (up)', legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'Processors',
      description: 'Processors in use, by service and all of its processes.',
      unit: 'short',
      queries: [{ expr: 'sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))', legend: '{{job}}' }],
    },
    {
      kind: 'lines',
      title: 'What cannot be reached',
      description: 'Dependencies that a process has and does not reach. Nothing is good.',
      unit: 'short',
      bad: 1,
      queries: [
        {
          expr: 'count by (job, dependency) (oxo_dependency_up == 0)',
          legend: '{{job}} → {{dependency}}',
        },
      ],
    },
  ],
};

const ours = 'namespace=~"oxo-app|oxo-infra|istio-ingress"';

const istio: Row = {
  title: 'The mesh',
  panels: [
    {
      kind: 'lines',
      title: 'Certificates end in',
      description:
        'How long the certificates of ingress, Postgres and NATS last. They are renewed at two thirds: a line that goes on falling ends with nobody who connects.',
      unit: 's',
      bad: 3 * 86_400,
      lessIsWorse: true,
      queries: [
        {
          expr: `min by (namespace, name) (certmanager_certificate_expiration_timestamp_seconds{${ours}} > 0) - time()`,
          legend: '{{namespace}}/{{name}}',
          place: 'cluster',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Certificates of pods end in',
      description: 'The shortest of each service. They last 24 hours, and are renewed at half.',
      unit: 's',
      bad: 4 * 3_600,
      notGood: 10 * 3_600,
      lessIsWorse: true,
      queries: [
        {
          expr: 'min by (job) (istio_agent_cert_expiry_seconds{resource_name="default"})',
          legend: '{{job}}',
          place: 'cluster',
        },
      ],
    },
    {
      kind: 'text',
      title: "Istio's own dashboards",
      description: 'Where to look for what the mesh itself does.',
      text: [
        'Between services of a cluster: [Istio Mesh, Service, Workload, Performance and Control Plane](/dashboards?query=Istio),',
        'from grafana.com (7639, 7636, 7630, 11829, 7645). Who calls whom: `istio_requests_total` by `source_workload` and `destination_workload`;',
        '`response_code="403"` is a policy that refuses.',
      ].join('\n'),
    },
  ],
};

/** What one looks at first. */
export const overview: Dashboard = {
  uid: 'oxo-overview',
  title: 'Overview',
  description: 'What people notice, what fires, and what is behind. From here on to the part that is the cause.',
  variables: [],
  rows: [promises, requests, processes, istio],
};

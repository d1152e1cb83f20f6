import type { Dashboard, Row } from './model.ts';

const DAY = 86_400;

const signIns: Row = {
  title: 'Coming in',
  panels: [
    {
      kind: 'lines',
      title: 'Sign-ins',
      description: 'What succeeded, a second, by method. A line that falls to nothing is a method that is broken.',
      unit: 'ops',
      stacked: true,
      queries: [
        {
          expr: 'sum by (method) (rate(oxo_auth_sign_ins_total{outcome="ok"}[$__rate_interval]))',
          legend: '{{method}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Refused',
      description:
        'What was refused, a second, by method. People mistype; more than half of all is somebody who guesses.',
      unit: 'ops',
      stacked: true,
      queries: [
        {
          expr: 'sum by (method) (rate(oxo_auth_sign_ins_total{outcome="refused"}[$__rate_interval]))',
          legend: '{{method}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Refused by reason',
      description: 'Refusals of auth by the reason that the caller was told.',
      unit: 'ops',
      queries: [
        {
          expr: 'topk(10, sum by (reason) (rate(oxo_rpc_refusals_total{job="auth"}[$__rate_interval])))',
          legend: '{{reason}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Attempts that were too many',
      description: 'Attempts that a limit refused, and those that could not be counted by all processes together.',
      unit: 'ops',
      queries: [
        {
          expr: 'sum(rate(oxo_auth_attempts_refused_total[$__rate_interval])) or vector(0)',
          legend: 'refused',
        },
        {
          expr: 'sum(rate(oxo_auth_attempts_unchecked_total[$__rate_interval])) or vector(0)',
          legend: 'counted alone',
        },
      ],
    },
  ],
};

const keys: Row = {
  title: 'Keys, limits and mails',
  panels: [
    {
      kind: 'number',
      title: 'Age of the signing key',
      description: 'It is replaced by itself every 90 days.',
      unit: 's',
      notGood: 90.5 * DAY,
      bad: 92 * DAY,
      queries: [{ expr: 'max(oxo_auth_key_age_seconds{key="signing"})', legend: 'age' }],
    },
    {
      kind: 'number',
      title: 'Age of the key-encryption key',
      description: 'To be replaced once a year: ./oxo keys rotate-kek, or in Vault.',
      unit: 's',
      notGood: 366 * DAY,
      bad: 373 * DAY,
      queries: [{ expr: 'max(oxo_auth_key_age_seconds{key="encryption"})', legend: 'age' }],
    },
    {
      kind: 'number',
      title: 'Attempts counted together',
      description: 'Whether all processes of auth count attempts in one place. Without it each counts alone.',
      unit: 'bool_on_off',
      bad: 1,
      lessIsWorse: true,
      queries: [{ expr: 'min(oxo_auth_limiter_shared)', legend: 'together' }],
    },
    {
      kind: 'lines',
      title: 'Revocations heard',
      description:
        'How long ago each process last knew all that was revoked; it looks every five seconds. One that goes on growing believes tokens that were revoked since.',
      unit: 's',
      bad: 60,
      notGood: 20,
      queries: [
        {
          expr: 'time() - max by (job, instance) (oxo_broadcast_current_timestamp_seconds{stream="REVOCATIONS"})',
          legend: '{{job}} {{instance}}',
        },
      ],
    },
    {
      kind: 'number',
      title: 'Mails that wait',
      description: 'Mails that were asked for and not sent yet.',
      unit: 'short',
      bad: 100,
      queries: [
        {
          expr: '(max(consumer:oxo_consumer_lag:max{consumer="auth-mail"}) + max(consumer:oxo_consumer_unacknowledged:max{consumer="auth-mail"}))',
          legend: 'mails',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Mails',
      description: 'What became of mails, a second. A mail that is tried again has FAILED each time.',
      unit: 'ops',
      queries: [
        {
          expr: 'sum by (outcome) (rate(oxo_auth_mails_total[$__rate_interval]))',
          legend: '{{outcome}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Slowest hundredth of sign-in',
      description: 'Time of sign-in and refresh in auth, for 99 of 100. A password costs 50 ms of a processor.',
      unit: 's',
      bad: 1,
      queries: [
        {
          expr: 'job_rpc:oxo_rpc_server_duration_seconds:p99_rate5m{rpc=~"oxo.auth.v1.AuthService/(Login|Refresh|Register)"}',
          legend: '{{rpc}}',
        },
      ],
    },
  ],
};

export const identity: Dashboard = {
  uid: 'oxo-identity',
  title: 'Identity',
  description: 'Who comes in, who is refused, and the keys and mails behind it.',
  variables: [],
  rows: [signIns, keys],
};

/**
 * Every metric of ours: what it is called, what it counts, and which services tell it. Dashboards, rules and alerts ask for these and no others;
 * a test compares the table with what running services export (mesh/e2e/refusals/metrics.ts). What the library tells of a process
 * (`process_*`, `nodejs_*`) is beside it, and what Envoy, Postgres, Redis and NATS tell is theirs.
 *
 * Which service it is says the label `job`, which replica `instance`: both are added by who scrapes, and none is ours.
 */
import { ErrorReason } from '#gen/oxo/common/v1/error_reason.ts';
import { services } from '../local/services.ts';

/** What a label may say: one of these, or so many different things at most, none of which a person can choose. */
export type MetricLabel = { readonly values: readonly string[] } | { readonly what: string; readonly atMost: number };

export type MetricType = 'counter' | 'gauge' | 'histogram';

export type Metric = {
  readonly name: string;
  readonly type: MetricType;
  /** As it stands in the name, where it has one; of what, where it counts. */
  readonly unit: string;
  /** As the services say it. */
  readonly help: string;
  readonly labels: Readonly<Record<string, MetricLabel>>;
  /** Upper bounds of a histogram in its unit, without +Inf; of others none. */
  readonly buckets: readonly number[];
  /** Those that export it. A new service has from the kit what all have, with tables what those with tables have. */
  readonly services: readonly string[];
};

const everywhere = services.map(({ name }) => name);
const withTables = services.filter(({ migrate }) => migrate !== undefined).map(({ name }) => name);
/** Those that have events/durables.ts. */
const withConsumers = ['auth', 'post', 'feed'];

/** Reasons of errors, as `ErrorInfo` names them. */
const reasons = Object.keys(ErrorReason).filter(
  (name) => Number.isNaN(Number(name)) && name !== 'ERROR_REASON_UNSPECIFIED' && name !== 'UNRECOGNIZED',
);
const rpc: MetricLabel = { what: 'an RPC that the service serves, by its full name', atMost: 100 };
const code: MetricLabel = { what: 'a status of gRPC, by its name', atMost: 17 };
const consumer: MetricLabel = { what: 'a durable consumer of the service', atMost: 20 };
const stream: MetricLabel = { values: ['REVOCATIONS'] };
const limit: MetricLabel = { what: 'an allowance of services/auth/attempts/allowances.ts', atMost: 60 };
const route: MetricLabel = { what: 'a route as it was declared; empty for none', atMost: 100 };
const cache: MetricLabel = {
  values: ['tokens', 'service_tokens', 'exchanged_tokens', 'follow_sets', 'followers', 'posts', 'profiles'],
};
const cacheInMemory: MetricLabel = {
  values: ['tokens', 'service_tokens', 'exchanged_tokens', 'follow_sets', 'followers'],
};

const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

type Described = Omit<Metric, 'name' | 'type' | 'labels' | 'buckets'> & Partial<Pick<Metric, 'labels' | 'buckets'>>;
const of =
  (type: MetricType) =>
  (name: string, { labels = {}, buckets = [], ...rest }: Described): Metric => ({
    name,
    type,
    labels,
    buckets,
    ...rest,
  });
const [counter, gauge, histogram] = [of('counter'), of('gauge'), of('histogram')];

const ofProcesses: readonly Metric[] = [
  gauge('oxo_build_info', {
    ...{ unit: 'always 1', services: everywhere },
    help: 'Always 1: which version this process runs.',
    labels: { version: { what: 'a version, or a commit', atMost: 1 } },
  }),
  gauge('oxo_dependency_up', {
    ...{ unit: '1 or 0', services: everywhere },
    help: 'Whether what this process depends on can be used: 1, or 0.',
    labels: { dependency: { values: ['postgres', 'redis', 'redis-fan-out', 'nats', 'keys', 'revocations'] } },
  }),
  counter('oxo_log_lines_total', {
    ...{ unit: 'lines', services: everywhere },
    help: 'Lines logged, by level.',
    labels: { level: { values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] } },
  }),
];

const ofRpcs: readonly Metric[] = [
  counter('oxo_rpc_server_requests_total', {
    ...{ unit: 'RPCs', services: everywhere, labels: { rpc, code } },
    help: 'RPCs answered, by gRPC status.',
  }),
  histogram('oxo_rpc_server_duration_seconds', {
    ...{ unit: 'seconds', services: everywhere, labels: { rpc } },
    buckets: latency,
    help: 'Time from an RPC arriving to its answer.',
  }),
  counter('oxo_rpc_refusals_total', {
    ...{ unit: 'RPCs', services: everywhere, labels: { rpc, reason: { values: [...reasons, 'OTHER'] } } },
    help: 'RPCs refused, by the reason that the caller was told.',
  }),
  counter('oxo_http_server_requests_total', {
    ...{ unit: 'requests', services: ['auth'] },
    help: 'HTTP requests answered, by status.',
    labels: { route, status: { what: 'a status of HTTP', atMost: 40 } },
  }),
  histogram('oxo_http_server_duration_seconds', {
    ...{ unit: 'seconds', services: ['auth'], labels: { route } },
    buckets: latency,
    help: 'Time from an HTTP request arriving to its answer.',
  }),
];

const ofDatabases: readonly Metric[] = [
  gauge('oxo_db_pool_connections', {
    ...{ unit: 'connections', services: withTables, labels: { state: { values: ['idle', 'used'] } } },
    help: 'Connections to Postgres that this process has open.',
  }),
  gauge('oxo_db_pool_waiting', {
    ...{ unit: 'statements and transactions', services: withTables },
    help: 'Statements and transactions that wait for a connection.',
  }),
  histogram('oxo_db_pool_wait_seconds', {
    ...{ unit: 'seconds', services: withTables },
    buckets: latency,
    help: 'Time from asking for a connection to having one.',
  }),
  counter('oxo_redis_failures_total', {
    ...{ unit: 'operations', services: everywhere },
    help: 'Operations on Redis that failed: refused, not answered, or not sent because it was away.',
  }),
  counter('oxo_cache_requests_total', {
    ...{ unit: 'entries asked for', services: everywhere },
    help: 'What caches were asked for, by whether they had it.',
    labels: { cache, outcome: { values: ['hit', 'miss'] } },
  }),
  counter('oxo_cache_evictions_total', {
    ...{ unit: 'entries', services: everywhere, labels: { cache: cacheInMemory } },
    help: 'Entries that made place for others.',
  }),
  gauge('oxo_cache_entries', {
    ...{ unit: 'entries', services: everywhere, labels: { cache: cacheInMemory } },
    help: 'Entries that a cache in memory holds.',
  }),
];

const ofEvents: readonly Metric[] = [
  gauge('oxo_outbox_age_seconds', {
    ...{ unit: 'seconds', services: withTables },
    help: 'How long the oldest event of the outbox has waited to be published; 0 when none waits.',
  }),
  gauge('oxo_outbox_waiting', {
    ...{ unit: 'events', services: withTables },
    help: 'Events of the outbox that wait to be published or to be deleted, counted up to 100000.',
  }),
  counter('oxo_outbox_published_total', {
    ...{ unit: 'events', services: withTables },
    help: 'Events that JetStream has acknowledged.',
  }),
  gauge('oxo_consumer_lag', {
    ...{ unit: 'events', services: withConsumers, labels: { consumer } },
    help: 'Events that no replica was given yet.',
  }),
  gauge('oxo_consumer_unacknowledged', {
    ...{ unit: 'events', services: withConsumers, labels: { consumer } },
    help: 'Events in work or waiting for another try.',
  }),
  gauge('oxo_consumer_last_fetch_timestamp_seconds', {
    ...{ unit: 'seconds since 1970', services: withConsumers, labels: { consumer } },
    help: 'When events were last asked for, also when there are none; 0 before the first time.',
  }),
  counter('oxo_consumer_handled_total', {
    ...{ unit: 'events', services: withConsumers, labels: { consumer } },
    help: 'Events handled.',
  }),
  counter('oxo_consumer_failed_total', {
    ...{ unit: 'tries', services: withConsumers, labels: { consumer } },
    help: 'Tries that failed.',
  }),
  counter('oxo_consumer_redelivered_total', {
    ...{ unit: 'deliveries', services: withConsumers, labels: { consumer } },
    help: 'Deliveries after the first.',
  }),
  counter('oxo_consumer_dead_total', {
    ...{ unit: 'events', services: withConsumers, labels: { consumer } },
    help: 'Events given up.',
  }),
  histogram('oxo_consumer_duration_seconds', {
    ...{ unit: 'seconds', services: withConsumers, labels: { consumer } },
    buckets: [...latency, 10, 30, 60],
    help: 'Time that one try took.',
  }),
  counter('oxo_broadcast_handled_total', {
    ...{ unit: 'messages', services: everywhere, labels: { stream } },
    help: 'Messages of a broadcast stream that this process has handled.',
  }),
  counter('oxo_broadcast_failed_total', {
    ...{ unit: 'messages', services: everywhere, labels: { stream } },
    help: 'Messages of a broadcast stream that were passed over: they failed.',
  }),
  gauge('oxo_broadcast_current_timestamp_seconds', {
    ...{ unit: 'seconds since 1970', services: everywhere, labels: { stream } },
    help: 'When this process last knew that it had heard all that a broadcast stream holds; 0 before the first time.',
  }),
];

const ofFeeds: readonly Metric[] = [
  counter('oxo_feed_reads_total', {
    ...{ unit: 'reads', services: ['feed'], labels: { source: { values: ['window', 'rebuild', 'postgres'] } } },
    help: 'Reads of a part of a feed, by where its entries came from: window, rebuild or postgres.',
  }),
  counter('oxo_feed_fanout_inserts_total', {
    ...{ unit: 'entries', services: ['feed'] },
    help: 'Posts put into the windows of feeds.',
  }),
  counter('oxo_feed_pulled_posts_total', {
    ...{ unit: 'posts', services: ['feed'] },
    help: 'Posts of authors with many followers, which were not put into the windows of these.',
  }),
  histogram('oxo_feed_fanout_duration_seconds', {
    ...{ unit: 'seconds', services: ['feed'] },
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    help: 'Time from a post being written to it being in the last window that it belongs to.',
  }),
  histogram('oxo_feed_rebuild_duration_seconds', {
    ...{ unit: 'seconds', services: ['feed'] },
    buckets: latency,
    help: 'Time that building a window anew took.',
  }),
  counter('oxo_user_pull_crossings_total', {
    ...{ unit: 'authors', services: ['user'], labels: { direction: { values: ['up', 'down'] } } },
    help: 'Authors whose followers became more than posts are pushed to (up), or few again (down).',
  }),
];

const methods = [
  ...['password', 'totp', 'recovery_code', 'passkey', 'refresh'],
  ...['oauth_code', 'oauth_refresh', 'device', 'client'],
];

const ofIdentity: readonly Metric[] = [
  counter('oxo_auth_sign_ins_total', {
    ...{ unit: 'sign-ins', services: ['auth'] },
    help: 'Sign-ins and renewals of sessions, by method, and whether they were let in.',
    labels: { method: { values: methods }, outcome: { values: ['ok', 'refused'] } },
  }),
  counter('oxo_auth_attempts_refused_total', {
    ...{ unit: 'attempts', services: ['auth'], labels: { limit } },
    help: 'Attempts for which an allowance was used up.',
  }),
  counter('oxo_auth_attempts_unchecked_total', {
    ...{ unit: 'attempts', services: ['auth'], labels: { limit } },
    help: 'Attempts that one process alone has counted, because Redis was away or refused.',
  }),
  gauge('oxo_auth_limiter_shared', {
    ...{ unit: '1 or 0', services: ['auth'] },
    help: 'Whether all processes count attempts together: 1, or each alone, while their Redis is away or refuses: 0.',
  }),
  counter('oxo_auth_mails_total', {
    ...{ unit: 'steps of mails', services: ['auth'] },
    help: 'Steps of mails by kind: QUEUED, FAILED for each try that did, SENT and so on; one mail is counted at each of its own.',
    labels: {
      kind: { what: 'a kind of mail of services/auth/mail/kinds.ts', atMost: 20 },
      outcome: { values: ['QUEUED', 'LIMITED', 'SENT', 'FAILED', 'REFUSED', 'EXPIRED'] },
    },
  }),
  gauge('oxo_auth_key_age_seconds', {
    ...{ unit: 'seconds', services: ['auth'], labels: { key: { values: ['signing', 'encryption'] } } },
    help: 'How long the key that signs tokens has signed, and the key-encryption key has been in use.',
  }),
  gauge('oxo_auth_key_expires_seconds', {
    ...{ unit: 'seconds', services: ['auth'], labels: { key: { values: ['signing'] } } },
    help: 'How long it is until the schedule replaces the key; below 0 when that is overdue.',
  }),
];

export const metrics: readonly Metric[] = [
  ...ofProcesses,
  ...ofRpcs,
  ...ofDatabases,
  ...ofEvents,
  ...ofFeeds,
  ...ofIdentity,
];

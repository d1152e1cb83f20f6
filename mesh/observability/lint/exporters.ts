/** Metrics that are not ours and that dashboards, rules and alerts use, with who tells them. Another one is a line here, from what its source says. */

/** What tells them. */
type Source = {
  readonly source: string;
  /** Where it is, when that is not everywhere. */
  readonly place?: 'cluster';
  readonly metrics: Readonly<Record<string, readonly string[]>>;
};

const envoy = ['envoy_cluster_name'];
const door = ['envoy_http_conn_manager_prefix'];
const database = ['datname', 'datid', 'server'];
const filesystem = ['device', 'fstype', 'mountpoint'];
const stream = ['account', 'server_id', 'server_name', 'stream_name'];
const consumer = [...stream, 'consumer_name'];
const cnpg = ['namespace', 'pod', 'container'];
const certificate = ['name', 'namespace', 'issuer_name', 'issuer_kind', 'issuer_group'];
const volume = ['namespace', 'persistentvolumeclaim', 'node'];

const withLabels = (labels: readonly string[], names: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(names.map((name) => [name, labels]));

export const exporters: readonly Source[] = [
  {
    source: 'Prometheus itself',
    metrics: { up: [], ALERTS: ['alertname', 'alertstate', 'severity'] },
  },
  {
    source: 'prom-client 15, collectDefaultMetrics',
    metrics: {
      ...withLabels([], ['process_cpu_seconds_total', 'process_resident_memory_bytes']),
      ...withLabels([], ['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes']),
      nodejs_gc_duration_seconds_sum: ['kind'],
    },
  },
  {
    source: 'Envoy 1.40, /stats/prometheus of its admin interface',
    metrics: {
      ...withLabels(door, [
        'envoy_http_downstream_rq_total',
        'envoy_http_downstream_rq_active',
        'envoy_http_downstream_cx_active',
        'envoy_http_downstream_rq_time_count',
      ]),
      envoy_http_downstream_rq_time_bucket: [...door, 'le'],
      envoy_http_downstream_rq_xx: [...door, 'envoy_response_code_class'],
      envoy_http_local_rate_limit_rate_limited: ['envoy_local_http_ratelimit_prefix'],
      ...withLabels(envoy, [
        'envoy_cluster_upstream_rq_total',
        'envoy_cluster_upstream_rq_pending_overflow',
        'envoy_cluster_upstream_cx_connect_fail',
        'envoy_cluster_outlier_detection_ejections_active',
        'envoy_cluster_ratelimit_ok',
        'envoy_cluster_ratelimit_over_limit',
        'envoy_cluster_ratelimit_failure_mode_allowed',
      ]),
      envoy_cluster_upstream_rq_time_bucket: [...envoy, 'le'],
      ...withLabels([], ['envoy_server_memory_allocated', 'envoy_server_uptime']),
    },
  },
  {
    source: 'prometheus-postgres-exporter (postgres_exporter)',
    metrics: {
      pg_up: [],
      ...withLabels(database, [
        ...['pg_stat_database_xact_commit', 'pg_stat_database_xact_rollback', 'pg_stat_database_deadlocks'],
        ...['pg_stat_database_tup_fetched', 'pg_stat_database_tup_inserted', 'pg_stat_database_tup_updated'],
        ...['pg_stat_database_blks_hit', 'pg_stat_database_blks_read', 'pg_database_size_bytes'],
      ]),
      pg_stat_activity_count: [...database, 'state'],
      pg_stat_activity_max_tx_duration: [...database, 'state'],
    },
  },
  {
    source: 'CloudNativePG 1.28, its own metrics and default queries',
    place: 'cluster',
    metrics: {
      ...withLabels(cnpg, ['cnpg_collector_up', 'cnpg_pg_replication_lag', 'cnpg_pg_stat_archiver_failed_count']),
      ...withLabels(
        [...cnpg, 'datname'],
        [
          ...['cnpg_pg_stat_database_xact_commit', 'cnpg_pg_stat_database_xact_rollback'],
          ...['cnpg_pg_stat_database_tup_fetched', 'cnpg_pg_stat_database_tup_inserted'],
          ...['cnpg_pg_stat_database_tup_updated', 'cnpg_pg_stat_database_deadlocks'],
          ...['cnpg_pg_stat_database_blks_hit', 'cnpg_pg_stat_database_blks_read', 'cnpg_pg_database_size_bytes'],
        ],
      ),
      cnpg_backends_total: [...cnpg, 'datname', 'usename', 'application_name', 'state'],
      cnpg_backends_max_tx_duration_seconds: [...cnpg, 'datname', 'usename', 'application_name', 'state'],
    },
  },
  {
    source: 'prometheus-redis-exporter (oliver006/redis_exporter)',
    metrics: {
      ...withLabels(
        [],
        [
          ...['redis_up', 'redis_memory_used_bytes', 'redis_memory_max_bytes', 'redis_connected_clients'],
          ...['redis_evicted_keys_total', 'redis_expired_keys_total', 'redis_commands_processed_total'],
          ...['redis_keyspace_hits_total', 'redis_keyspace_misses_total', 'redis_rejected_connections_total'],
        ],
      ),
      redis_db_keys: ['db'],
      redis_commands_duration_seconds_total: ['cmd'],
    },
  },
  {
    source: 'prometheus-nats-exporter, and mesh/local/observability on one machine',
    metrics: {
      ...withLabels(
        ['server_id'],
        [
          ...['gnatsd_varz_in_msgs', 'gnatsd_varz_out_msgs', 'gnatsd_varz_in_bytes', 'gnatsd_varz_out_bytes'],
          ...['gnatsd_varz_connections', 'gnatsd_varz_slow_consumers', 'gnatsd_varz_mem'],
        ],
      ),
      ...withLabels(stream, ['jetstream_stream_total_messages', 'jetstream_stream_total_bytes']),
      ...withLabels(consumer, [
        'jetstream_consumer_num_pending',
        'jetstream_consumer_num_ack_pending',
        'jetstream_consumer_num_redelivered',
      ]),
    },
  },
  {
    source: 'prometheus-node-exporter (node_exporter)',
    metrics: {
      ...withLabels(filesystem, [
        ...['node_filesystem_avail_bytes', 'node_filesystem_size_bytes', 'node_filesystem_readonly'],
        ...['node_filesystem_files', 'node_filesystem_files_free'],
      ]),
      ...withLabels(['device'], ['node_disk_write_time_seconds_total', 'node_disk_writes_completed_total']),
    },
  },
  {
    source: 'kubelet, by the chart kube-prometheus-stack',
    place: 'cluster',
    metrics: withLabels(volume, ['kubelet_volume_stats_available_bytes', 'kubelet_volume_stats_capacity_bytes']),
  },
  {
    source: 'cert-manager 1.21, its controller',
    place: 'cluster',
    metrics: {
      ...withLabels(certificate, [
        'certmanager_certificate_expiration_timestamp_seconds',
        'certmanager_certificate_renewal_timestamp_seconds',
      ]),
      certmanager_certificate_ready_status: [...certificate, 'condition'],
    },
  },
  {
    source: "Istio's agent (pilot-agent), in each pod of the mesh",
    place: 'cluster',
    metrics: { istio_agent_cert_expiry_seconds: ['resource_name'] },
  },
];

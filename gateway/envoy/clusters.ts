import { socketAddress } from './parts.ts';
import { type Endpoint, type EnvoySettings, publicServices } from './settings.ts';

/** Requests that Envoy has on their way to each process of a service at once. */
const DEFAULT_MAX_REQUESTS = { reads: 512, writes: 256 };

/** Every upstream of the front door. */
export function clusters(settings: EnvoySettings): object[] {
  const { ownHosts = false } = settings;
  const grpc = Object.keys(publicServices).map((name) =>
    cluster(name, settings.upstreams[name as keyof typeof publicServices], {
      http2: true,
      maxRequests: settings.maxRequests ?? DEFAULT_MAX_REQUESTS,
      ownHost: ownHosts,
    }),
  );
  const options = { maxRequests: DEFAULT_MAX_REQUESTS, ownHost: ownHosts };
  const otlp = settings.tracing === undefined ? [] : [otlpCluster(settings.tracing.otlpEndpoint, ownHosts)];
  return [
    ...grpc,
    cluster('auth_http', settings.authHttp, { ...options, http2: false }),
    ...(settings.ratelimit === undefined ? [] : [ratelimitCluster(settings.ratelimit, ownHosts)]),
    ...otlp,
  ];
}

interface ClusterOptions {
  http2: boolean;
  maxRequests: { reads: number; writes: number };
  /** See `ownHosts` of EnvoySettings. */
  ownHost: boolean;
}

function cluster(name: string, upstream: Endpoint | readonly Endpoint[], options: ClusterOptions) {
  const { http2, maxRequests, ownHost } = options;
  const endpoints = [upstream].flat();
  return {
    name,
    // Not the one that has least in hand: that is the one which refuses every connection.
    lb_policy: 'ROUND_ROBIN',
    cluster_type: {
      name: 'envoy.cluster.dns',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster',
        dns_refresh_rate: '5s',
        respect_dns_ttl: true,
      },
    },
    connect_timeout: '1s',
    per_connection_buffer_limit_bytes: 1024 * 1024,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: endpoints.map((one) => ({ endpoint: { address: socketAddress(one) } })) }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        common_http_protocol_options: { idle_timeout: '300s' },
        explicit_http_config: http2
          ? { http2_protocol_options: { connection_keepalive: { interval: '15s', timeout: '5s' } } }
          : { http_protocol_options: {} },
        ...(ownHost && endpoints[0] !== undefined ? { http_filters: hostFilters(endpoints[0]) } : {}),
      },
    },
    // What is over the limit is refused at once, by Envoy alone. Writes have places of their own (routes.ts).
    circuit_breakers: {
      thresholds: [
        threshold('DEFAULT', maxRequests.reads * endpoints.length),
        threshold('HIGH', maxRequests.writes * endpoints.length),
      ],
    },
    // Mild: one of several replicas that can't be reached rests for a moment, but never more than half of them, and a
    // service with one replica never. A process that died is back in two seconds, and must not be missing when its twin dies.
    // Who answers is there, also who says UNAVAILABLE: because it has too much to do, or its neighbour is away.
    outlier_detection: {
      split_external_local_origin_errors: true,
      consecutive_local_origin_failure: 10,
      enforcing_consecutive_5xx: 0,
      enforcing_consecutive_gateway_failure: 0,
      enforcing_local_origin_success_rate: 0,
      interval: '1s',
      base_ejection_time: '2s',
      max_ejection_time: '10s',
      max_ejection_percent: 50,
      always_eject_one_host: false,
    },
  };
}

/**
 * Behind every filter of the front door, so that they see the name that the client asked for, and for the calls that Envoy makes itself as well:
 * public keys, the exchange of credentials, limits.
 */
function hostFilters({ host, port }: Endpoint): object[] {
  const typeUrl = 'type.googleapis.com/envoy.extensions.filters.http';
  // The filter that changes headers refuses to change this one.
  const script = `function envoy_on_request(h) h:headers():replace(":authority", "${host}:${port}") end`;
  return [
    {
      name: 'host',
      typed_config: { '@type': `${typeUrl}.lua.v3.Lua`, default_source_code: { inline_string: script } },
    },
    { name: 'codec', typed_config: { '@type': `${typeUrl}.upstream_codec.v3.UpstreamCodec` } },
  ];
}

function ratelimitCluster(ratelimit: NonNullable<EnvoySettings['ratelimit']>, ownHost: boolean): object {
  const options = { http2: true, maxRequests: DEFAULT_MAX_REQUESTS, ownHost };
  if ('host' in ratelimit) return cluster('ratelimit', ratelimit, options);
  const { cluster_type: _, ...rest } = cluster(
    'ratelimit',
    { host: 'a socket', port: 0 },
    { ...options, ownHost: false },
  );
  const endpoint = { address: { pipe: { path: ratelimit.path } } };
  const load_assignment = { cluster_name: 'ratelimit', endpoints: [{ lb_endpoints: [{ endpoint }] }] };
  return { ...rest, type: 'STATIC', load_assignment };
}

function threshold(priority: 'DEFAULT' | 'HIGH', requests: number): object {
  return {
    priority,
    max_connections: 1024,
    // These wait for a connection.
    max_pending_requests: requests,
    max_requests: requests,
    max_retries: 64,
  };
}

function otlpCluster(otlpEndpoint: string, ownHost: boolean): object {
  const url = new URL(otlpEndpoint);
  const secure = url.protocol === 'https:';
  const endpoint = { host: url.hostname, port: Number(url.port) || (secure ? 443 : 80) };
  const base = cluster('otlp', endpoint, { http2: false, maxRequests: DEFAULT_MAX_REQUESTS, ownHost });
  if (!secure) return base;
  const transport_socket = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: url.hostname,
    },
  };
  return { ...base, transport_socket };
}

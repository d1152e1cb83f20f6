import { type Endpoint, type EnvoySettings, MAX_BODY_BYTES, publicServices } from './settings.ts';

const typeUrl = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;

/** Envoy's form of an address. */
export function socketAddress({ host, port }: Endpoint): object {
  return { socket_address: { address: host, port_value: port } };
}

/** A header that replaces what an upstream may have sent. */
export function overwrite(key: string, value: string): object {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

/** The transcoder between REST and gRPC: strict where it can be, canonical proto3 JSON with every primitive field. */
export function transcoder(settings: EnvoySettings): object {
  return {
    '@type': typeUrl('filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder'),
    proto_descriptor: settings.descriptorPath,
    services: Object.values(publicServices).flat(),
    convert_grpc_status: true,
    query_param_unescape_plus: true,
    max_request_body_size: MAX_BODY_BYTES,
    max_response_body_size: 8 * 1024 * 1024,
    print_options: { always_print_primitive_fields: true },
    request_validation_options: {
      reject_unknown_method: true,
      reject_unknown_query_parameters: true,
      reject_binding_body_field_collisions: true,
    },
  };
}

/** What browsers' pages may send, REST and gRPC-Web. */
const allowedHeaders = [
  ...['authorization', 'x-api-key', 'content-type', 'idempotency-key', 'if-match', 'if-none-match'],
  ...['x-request-id', 'traceparent', 'tracestate'],
  ...['x-grpc-web', 'x-user-agent', 'grpc-timeout'],
];

/** What they may read of an answer: what the answers have beyond the names that all may read. */
const exposedHeaders = [
  ...['x-request-id', 'retry-after', 'etag', 'location', 'www-authenticate'],
  ...['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  ...['grpc-status', 'grpc-message', 'grpc-status-details-bin'],
];

/**
 * What browsers' pages of other origins may do: all that needs no cookie, since there is none. `Access-Control-Allow-Credentials` is never
 * sent, so a page has no more than the token that it was given.
 */
export function corsPolicy({ corsOrigins }: EnvoySettings): object {
  return {
    '@type': typeUrl('filters.http.cors.v3.CorsPolicy'),
    allow_origin_string_match: corsOrigins.map((origin) => ({ exact: origin })),
    allow_methods: 'GET, POST, PUT, PATCH, DELETE',
    allow_headers: allowedHeaders.join(', '),
    expose_headers: exposedHeaders.join(', '),
    // As long as any browser keeps it.
    max_age: '7200',
  };
}

/** What Envoy would tell of a client in every span: its address, and its name, where people put tokens. */
const HIDDEN_TAGS = ['peer.address', 'user_agent'].map((tag) => ({ tag, literal: { value: '(masked)' } }));

/** A stranger would choose with it what is recorded, and put spans into traces of others; `baggage` no service reads. */
const TRACE_HEADERS = { key_matcher: { safe_regex: { regex: 'traceparent|tracestate' } } };

/** What goes of a request before a trace is begun; undefined: nothing does. */
export function foreignTrace({ trustTraceparent }: EnvoySettings): object | undefined {
  return trustTraceparent === true ? undefined : { remove_on_match: TRACE_HEADERS };
}

const sampler = (name: string, message: string, config: object): object => ({
  name: `envoy.tracers.opentelemetry.samplers.${name}`,
  typed_config: { '@type': typeUrl(`tracers.opentelemetry.samplers.v3.${message}`), ...config },
});

/**
 * What the trace that goes on says, and of those that begin so many of a hundred, by their ids. Envoy's own sampling goes by the request id,
 * which a client may choose; without that (`use_request_id_for_trace_sampling`) it takes every request, and leaves it to this.
 */
function parentBased(percent: number): object {
  const numerator = Math.round(percent * 10_000);
  const ofTraces = sampler('trace_id_ratio_based', 'TraceIdRatioBasedSamplerConfig', {
    sampling_percentage: { numerator, denominator: 'MILLION' },
  });
  return sampler('parent_based', 'ParentBasedSamplerConfig', { wrapped_sampler: ofTraces });
}

/** Spans of the front door, when someone collects them. */
export function tracing({ tracing: settings }: EnvoySettings): object | undefined {
  if (settings === undefined) return undefined;
  const endpoint = settings.otlpEndpoint.replace(/\/+$/, '');
  return {
    spawn_upstream_span: true,
    // The query would be in it, and what somebody puts into a path by mistake. The span of the service names the RPC.
    max_path_tag_length: 0,
    custom_tags: HIDDEN_TAGS,
    provider: {
      name: 'envoy.tracers.opentelemetry',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
        service_name: 'gateway',
        sampler: parentBased(settings.samplingPercent),
        http_service: { http_uri: { uri: `${endpoint}/v1/traces`, cluster: 'otlp', timeout: '5s' } },
      },
    },
  };
}

/** A header that an answer gets when it has none of the name. */
export function addWhenAbsent(key: string, value: string): object {
  return { header: { key, value }, append_action: 'ADD_IF_ABSENT' };
}

/** Those of the headers below that a page, or what caches may keep, says for itself. */
export const headersOfPages: readonly string[] = ['cache-control', 'content-security-policy', 'referrer-policy'];

/**
 * Headers on every answer: an answer of an API is neither cached, sniffed nor framed.
 * @param set what the rest of the answer says is replaced; with `addWhenAbsent` it stays, for the three of `headersOfPages`
 */
export function securityHeaders({ publicUrl }: EnvoySettings, set = overwrite): object[] {
  return [
    set('cache-control', 'no-store'),
    overwrite('x-content-type-options', 'nosniff'),
    set('content-security-policy', "default-src 'none'; frame-ancestors 'none'"),
    set('referrer-policy', 'no-referrer'),
    ...(publicUrl.startsWith('https:') ? [overwrite('strict-transport-security', 'max-age=31536000')] : []),
  ];
}

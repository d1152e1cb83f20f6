import { overwrite } from './parts.ts';
import { type EnvoySettings, publicServices } from './settings.ts';

const REQUEST_TIMEOUT = '10s';

// These paths are no RPCs: without it the transcoder, which knows every public path, would answer 404.
const noTranscoding = {
  'envoy.filters.http.grpc_json_transcoder': {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder',
    proto_descriptor_bin: '',
    services: [],
  },
};

/** The routes of the front door. The transcoder has already made /oxo.post.v1.PostService/GetPost of /api/v1/posts/1. */
export function routes(settings: EnvoySettings): object[] {
  const rpcs = Object.entries(publicServices).flatMap(([cluster, services]) =>
    services.flatMap((service) => serviceRoutes(cluster, service)),
  );
  return [
    ...rpcs,
    {
      match: { path: '/openapi.yaml', headers: [{ name: ':method', string_match: { exact: 'GET' } }] },
      direct_response: { status: 200, body: { filename: settings.openapiPath } },
      response_headers_to_add: [
        overwrite('content-type', 'application/yaml'),
        overwrite('cache-control', 'public, max-age=300'),
      ],
      typed_per_filter_config: noTranscoding,
    },
    {
      match: { path: '/.well-known/jwks.json', headers: [{ name: ':method', string_match: { exact: 'GET' } }] },
      route: { cluster: 'auth_http', timeout: '5s' },
      typed_per_filter_config: noTranscoding,
    },
    // Paths that the transcoder has yet to translate pass through this one, so that CORS applies to them; what is still
    // here after it does not exist.
    { match: { prefix: '/' }, direct_response: { status: 404 } },
  ];
}

function serviceRoutes(cluster: string, service: string): object[] {
  const prefix = `/${service}/`;
  const action = {
    cluster,
    timeout: REQUEST_TIMEOUT,
  };
  // Only requests that never reached the service are sent again, and of those only what was a GET.
  const retry_policy = { retry_on: 'connect-failure,refused-stream,reset-before-request', num_retries: 2 };
  return [
    {
      match: { prefix, grpc: {}, headers: [{ name: 'x-envoy-original-method', string_match: { exact: 'GET' } }] },
      route: { ...action, retry_policy },
    },
    { match: { prefix, grpc: {} }, route: action },
  ];
}

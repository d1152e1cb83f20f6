import { type DirectRoute, directAnswer, fileRoutes, homeRoutes } from './files.ts';
import { anotherReplica, httpRoutes, noTranscoding } from './http-routes.ts';
import { readRoute, writeRoute } from './limits/service.ts';
import { headersOfPages, overwrite } from './parts.ts';
import { rpcClasses } from './rpcs.ts';
import { type EnvoySettings, pathParameters, publicServices } from './settings.ts';

const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

/** What a cache keeps holds the origin of the page that asked. */
const varyByOrigin = overwrite('vary', 'origin');

const notFound = { cluster: 'none', cluster_not_found_response_code: 'NOT_FOUND' };

/** Finds requests for request-id.lua, which then looks for their route again. */
const malformedRequestId = {
  match: {
    prefix: '/',
    headers: [
      { name: 'x-request-id', invert_match: true, string_match: { safe_regex: { regex: '[A-Za-z0-9_-]{1,64}' } } },
    ],
  },
  route: notFound,
  typed_per_filter_config: {
    request_id: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', config: {}, disabled: false },
  },
};

const notTranscoded = { name: 'x-envoy-original-path', present_match: false };

/** Finds requests whose header, when there is one, is not of this form. Looks once: before the transcoder. */
function malformedHeader(name: string, regex: string, explanation: string, match: object = {}): DirectRoute {
  const malformed = { name, invert_match: true, string_match: { safe_regex: { regex } } };
  return {
    match: { prefix: '/', headers: [notTranscoded, malformed], ...match },
    direct_response: { status: 400, body: { inline_string: explanation } },
    typed_per_filter_config: noTranscoding,
  };
}

/** What gRPC carries in a header. Its libraries drop a header with anything else, and a service would go on without it. */
const GRPC_TEXT = '[ -~]*';

const malformedHeaders = [
  malformedHeader('authorization', GRPC_TEXT, 'Authorization: must be visible ASCII characters'),
  malformedHeader('idempotency-key', GRPC_TEXT, 'Idempotency-Key: must be visible ASCII characters'),
  malformedHeader('if-match', GRPC_TEXT, 'If-Match: must be visible ASCII characters'),
  malformedHeader('grpc-timeout', '[0-9]{1,8}[HMSmun]', 'grpc-timeout: must be a number and a unit', { grpc: {} }),
];

const ambiguous = {
  match: {
    prefix: '/api/',
    headers: [{ name: ':path', string_match: { safe_regex: { regex: ambiguousQuery() } } }],
  },
  direct_response: {
    status: 400,
    body: { inline_string: 'A parameter of the path stands in the query, or one is escaped.' },
  },
  typed_per_filter_config: noTranscoding,
};

/** The fields of these stand in the body or all in the path; a test holds it. The transcoder would take them from the query too, and secrets would stand in logs. */
const queryOfWrite = {
  match: {
    prefix: '/api/',
    headers: [
      { name: ':method', string_match: { safe_regex: { regex: 'POST|PUT|PATCH' } } },
      { name: ':path', string_match: { safe_regex: { regex: '[^?]*\\?.*' } } },
    ],
  },
  direct_response: {
    status: 400,
    body: { inline_string: 'There is a query, where fields stand in the body or the path alone.' },
  },
  typed_per_filter_config: noTranscoding,
};

/** The routes of the front door. The transcoder has already made /oxo.post.v1.PostService/GetPost of /api/v1/posts/1. */
export function routes(settings: EnvoySettings): object[] {
  const { requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS } = settings;
  const rpcs = Object.entries(publicServices).flatMap(([cluster, services]) =>
    services.flatMap((service) => serviceRoutes(cluster, service, requestTimeoutMs)),
  );
  const withoutCookies = [
    malformedRequestId,
    ...malformedHeaders.flatMap((route) => directAnswer(route, settings)),
    ...rpcs,
    ...directAnswer(ambiguous, settings),
    ...directAnswer(queryOfWrite, settings),
    ...fileRoutes(settings),
    ...homeRoutes(settings),
    {
      match: { path: '/.well-known/jwks.json', headers: [{ name: ':method', string_match: { exact: 'GET' } }] },
      route: { cluster: 'auth_http', timeout: '5s' },
      response_headers_to_add: [varyByOrigin],
      typed_per_filter_config: noTranscoding,
    },
  ].map(withoutCookie);
  return [
    ...withoutCookies,
    ...httpRoutes(requestTimeoutMs),
    // Paths that the transcoder has yet to translate pass through this one, so that CORS applies to them; what is still
    // here after it does not exist.
    withoutCookie({ match: { prefix: '/' }, route: notFound }),
  ];
}

/** Only pages know cookies. */
function withoutCookie(route: object): object {
  return { ...route, request_headers_to_remove: ['cookie'] };
}

const isPost = { name: ':method', string_match: { exact: 'POST' } };
const isGrpcWeb = {
  name: 'content-type',
  string_match: { safe_regex: { regex: 'application/grpc-web(-text)?(\\+proto)?' } },
};

function serviceRoutes(cluster: string, service: string, timeoutMs: number): object[] {
  const action = { cluster, timeout: `${timeoutMs / 1000}s` };
  // The service shall know when its answer is of no use any more. A little longer than Envoy's own patience: Envoy's
  // answer is in the one shape, that of a bare gRPC server is not, and Envoy ends the call in the service as well. So
  // it does when a gRPC client's own, shorter deadline is over and the client gives up.
  const headers = {
    request_headers_to_add: [overwrite('grpc-timeout', `${Math.ceil(timeoutMs * 1.05)}m`)],
    // As the client gets it: status.lua, which does not see the request, needs it for errors that name none.
    response_headers_to_add: [overwrite('x-request-id', '%REQ(X-REQUEST-ID)%')],
    // These are not a service's to say.
    response_headers_to_remove: headersOfPages,
  };
  // Of gRPC-Web the route is looked for before the filter makes gRPC of it.
  const twice = (match: object, rest: object) => [
    { match: { ...match, grpc: {} }, ...rest, ...headers },
    { match: { ...match, headers: [isPost, isGrpcWeb] }, ...rest, ...headers },
  ];
  const known = rpcClasses(service).flatMap(({ kind, weight, rpcs }) => {
    const match = { safe_regex: { regex: `/${service.replaceAll('.', '\\.')}/(${rpcs.join('|')})` } };
    if (kind === 'read') return twice(match, { route: { ...action, retry_policy: ofReads }, ...readRoute });
    // Their places are their own, so that no flood of reads keeps writes out.
    return twice(match, { route: { ...action, priority: 'HIGH', retry_policy: ofWrites }, ...writeRoute(weight) });
  });
  return [...known, ...twice({ prefix: `/${service}/` }, { route: action })];
}

// Only requests that never reached a service are sent again, to another replica where there is one. What is no read only
// when it surely did not: there was no connection, or the service refused the stream.
const ofReads = { retry_on: 'connect-failure,refused-stream,reset-before-request', ...anotherReplica };
const ofWrites = { retry_on: 'connect-failure,refused-stream', ...anotherReplica };

/** Query parameters that name a field of the path, plainly, or perhaps, by an escaped name. */
function ambiguousQuery(): string {
  const names = pathParameters.flatMap((name) => [
    name,
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
  ]);
  return `[^?]*\\?(.*&)?((${[...new Set(names)].join('|')})=|[^=&]*%).*`;
}

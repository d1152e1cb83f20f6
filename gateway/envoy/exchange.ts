/** The exchange of opaque credentials, API keys and access tokens of OAuth clients, for the short JWT that services know. */

const typeUrl = (name: string) => `type.googleapis.com/envoy.${name}`;

/** Auth's answer stays below this, however long its queue is. */
const TIMEOUT = '3s';

const exact = (...names: string[]) => ({ patterns: names.map((name) => ({ exact: name })) });

/** Auth says by them which of the reasons it is, and the whole error for gRPC; they never leave. */
const ERROR_HEADERS = ['x-oxo-reason', 'x-oxo-details'];

const extAuthz = {
  '@type': typeUrl('extensions.filters.http.ext_authz.v3.ExtAuthz'),
  http_service: {
    server_uri: { uri: 'http://auth-http', cluster: 'auth_http', timeout: TIMEOUT },
    path_override: '/internal/exchange',
    authorization_request: {
      // As for all that services hear of a client.
      headers_to_add: [{ key: 'x-forwarded-for', value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' }],
    },
    authorization_response: {
      allowed_upstream_headers: exact('authorization'),
      allowed_client_headers: exact(...ERROR_HEADERS, 'www-authenticate', 'retry-after'),
    },
  },
  allowed_headers: exact('authorization', 'x-api-key', 'x-request-id', 'traceparent', 'tracestate'),
  // Auth away is not the client's fault.
  status_on_error: { code: 'ServiceUnavailable' },
};

function header(name: string, regex: string): object {
  return {
    single_predicate: {
      input: {
        name,
        typed_config: { '@type': typeUrl('type.matcher.v3.HttpRequestHeaderMatchInput'), header_name: name },
      },
      value_match: { safe_regex: { google_re2: {}, regex } },
    },
  };
}

const not = (predicate: object) => ({ not_matcher: predicate });

/** Only RPCs are called with such credentials; OAuth's own paths look after themselves. */
const isRpc = header(':path', '/(api/|oxo\\.).*');
const hasApiKey = header('x-api-key', '(?s).*');
/** A JWT has two dots. */
const hasOpaqueToken = header('authorization', '(?i)bearer +[!--/-~]*(\\.[!--/-~]*)?');

/** Requests with a JWT, or with nothing, pass by it: they pay nothing. */
export function exchange(): object {
  return {
    '@type': typeUrl('extensions.common.matching.v3.ExtensionWithMatcher'),
    extension_config: { name: 'ext_authz', typed_config: extAuthz },
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: {
              or_matcher: {
                predicate: [not(isRpc), { and_matcher: { predicate: [not(hasApiKey), not(hasOpaqueToken)] } }],
              },
            },
            on_match: {
              action: {
                name: 'skip',
                typed_config: { '@type': typeUrl('extensions.filters.common.matcher.action.v3.SkipFilter') },
              },
            },
          },
        ],
      },
    },
  };
}

/** What auth serves by HTTP besides its keys: OAuth and OpenID Connect, and the pages on which people sign in. */

import { writeRoute } from './limits/service.ts';
import type { Weight } from './rpcs.ts';

const typeUrl = (name: string) => `type.googleapis.com/envoy.${name}`;

// These paths are no RPCs: without it the transcoder, which knows every public path, would answer 404.
export const noTranscoding = {
  'envoy.filters.http.grpc_json_transcoder': {
    '@type': typeUrl('extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder'),
    proto_descriptor_bin: '',
    services: [],
  },
};

/** Which pages of other origins may ask is for OAuth to say: that depends on the client, and authorization and pages are for none. */
const ownCors = {
  'envoy.filters.http.cors': { '@type': typeUrl('config.route.v3.FilterConfig'), config: {}, disabled: true },
};

/** A request that was sent again goes to another replica, where there is one. */
export const anotherReplica = {
  num_retries: 2,
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: { '@type': typeUrl('extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate') },
    },
  ],
  host_selection_retry_max_attempts: 5,
};

/** Where metadata stands (RFC 8414, OpenID Connect Discovery). */
const metadata = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
const asked = ['/oauth/introspect', '/oauth/revoke', '/oauth/userinfo'];
/** A GET of these writes a row for whoever begins there. */
const beginnings = ['/oauth/authorize', '/oauth/logout', '/device'];
/** What people see of OAuth, with what stands under them. */
export const oauthPages = ['/oauth/authorize', '/oauth/logout'];
export const oauthPrefix = '/oauth/';
/** With what stands under them. */
export const pages = [
  '/signin',
  '/consent',
  '/device',
  '/signout',
  '/language',
  '/signup',
  '/account',
  '/forgot',
  '/reset',
  '/verify',
  '/keep-email',
];

/** Cookies pass here, and nowhere else. What these paths need, and refuse, auth knows itself. */
export function httpRoutes(timeoutMs: number): object[] {
  const route = {
    cluster: 'auth_http',
    timeout: `${timeoutMs / 1_000}s`,
    // A GET too may change something, so only what surely never arrived is sent again.
    retry_policy: { retry_on: 'connect-failure,refused-stream', ...anotherReplica },
  };
  const own = { route, typed_per_filter_config: { ...noTranscoding, ...ownCors } };
  const by = (method: string) => ({ headers: [{ name: ':method', string_match: { exact: method } }] });
  const rest = [{ prefix: oauthPrefix }, ...pages.map((page) => ({ path_separated_prefix: page }))];
  return [
    ...metadata.map((path) => ({ match: { path }, ...own })),
    // A service that introspects asks for others, and often; forms and codes are what people try again and again.
    ...asked.map((path) => counted({ match: { path, ...by('POST') }, ...own }, 1)),
    ...beginnings.map((path) => counted({ match: { path, ...by('GET') }, ...own }, 1)),
    ...rest.map((match) => counted({ match: { ...match, ...by('POST') }, ...own }, 3)),
    ...rest.map((match) => ({ match, ...own })),
  ];
}

/** Its calls count as writes of so much weight. */
function counted(route: { match: object; route: object; typed_per_filter_config: object }, weight: Weight): object {
  const { metadata: marked, typed_per_filter_config } = writeRoute(weight);
  return {
    ...route,
    metadata: marked,
    typed_per_filter_config: { ...route.typed_per_filter_config, ...typed_per_filter_config },
  };
}

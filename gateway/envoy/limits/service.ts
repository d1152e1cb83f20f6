import { stringify } from 'yaml';
import type { Weight } from '../rpcs.ts';
import { callers, isCounted, NETWORK, ofNetwork, ROUTE_METADATA } from './callers.ts';
import type { EdgeLimits, Rate } from './rates.ts';

const DOMAIN = 'oxo';
/** A service that is late is away: the call passes, and counts as ratelimit.failure_mode_allowed. */
const SERVICE_TIMEOUT = '0.05s';

/** Of writes, by the rate limit service; `writeRoute` says what they weigh. */
export const writeLimit = {
  '@type': typeUrl('ratelimit.v3.RateLimit'),
  domain: DOMAIN,
  timeout: SERVICE_TIMEOUT,
  failure_mode_deny: false,
  rate_limited_as_resource_exhausted: true,
  disable_x_envoy_ratelimited_header: true,
  rate_limit_service: { grpc_service: { envoy_grpc: { cluster_name: 'ratelimit' } }, transport_api_version: 'V3' },
};

/** What a route of reads carries. */
export const readRoute = { metadata: { filter_metadata: { [ROUTE_METADATA]: { read: 'read' } } } };

/** What a route of writes carries, whose calls weigh so much. */
export function writeRoute(weight: Weight) {
  const everyone = [{ generic_key: { descriptor_key: 'everyone', descriptor_value: 'writes' } }];
  return {
    metadata: { filter_metadata: { [ROUTE_METADATA]: { write: 'write' } } },
    typed_per_filter_config: {
      'envoy.filters.http.ratelimit': {
        '@type': typeUrl('ratelimit.v3.RateLimitPerRoute'),
        rate_limits: [everyone, [ofNetwork], ...callers].map((actions) => ({
          actions: [isCounted, ...actions],
          hits_addend: { number: weight },
        })),
      },
    },
  };
}

/** The configuration of the rate limit service, as YAML. */
export function renderRateLimits({ writes }: EdgeLimits): string {
  const limit = ({ calls, per }: Rate) => ({ rate_limit: { unit: per, requests_per_unit: calls } });
  return stringify({
    domain: DOMAIN,
    descriptors: [
      {
        key: 'counted',
        value: 'counted',
        descriptors: [
          { key: 'everyone', value: 'writes', ...limit(writes.everyone) },
          { key: NETWORK, ...limit(writes.network) },
          { key: 'user', ...limit(writes.user) },
          { key: 'by', value: 'app', descriptors: [{ key: 'client', ...limit(writes.client) }] },
          { key: 'by', value: 'grant', descriptors: [{ key: 'grant', ...limit(writes.grant) }] },
        ],
      },
    ],
  });
}

function typeUrl(name: string): string {
  return `type.googleapis.com/envoy.extensions.filters.http.${name}`;
}

import { overwrite } from '../parts.ts';
import { COUNTED, callers, isRead, isWrite, NETWORK, NOBODY, ofNetwork, ofNobody, ofUser } from './callers.ts';
import type { EdgeLimits, Rate } from './rates.ts';

/** Buckets that an Envoy keeps of each kind. Who has not come for longest is forgotten, and begins with a full one. */
const BUCKETS = 50_000;
const SECONDS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const;
/** Of a bucket that nobody empties. */
const PLENTY: Rate = { calls: 1_000_000_000, per: 'second' };
/** What is left stands in the answer. */
const told = { x_ratelimit_option: 'DRAFT_VERSION_03' };

/** The first filter, before tokens are looked at. */
export function networkLimit({ everyone, network }: Pick<EdgeLimits, 'everyone' | 'network'>): object {
  return localLimit('network_limit', {
    token_bucket: bucket(everyone),
    always_consume_default_token_bucket: true,
    descriptors: [{ entries: [{ key: NETWORK }], token_bucket: bucket(network) }],
    rate_limits: [{ actions: [ofNetwork], ...told }],
  });
}

/** Of a file that is large, instead of the one above: 20 of all a second, 120 of a network a minute. What lies in memory for clients that do not read is bounded by it. */
export function largeFileLimit({ everyone, network }: EdgeLimits): object {
  const part = ({ calls, per }: Rate, of: number): Rate => ({ calls: Math.max(1, Math.ceil(calls / of)), per });
  return networkLimit({ everyone: part(everyone, 250), network: part(network, 25) });
}

/** Of reads, when it is known who reads; `readRoute` marks their routes. */
export function readLimit({ reads }: EdgeLimits): object {
  const limit = (rate: Rate, ...entries: object[]) => ({
    entries: [{ key: 'kind', value: 'read' }, ...entries],
    token_bucket: bucket(rate),
  });
  return localLimit('read_limit', {
    token_bucket: bucket(PLENTY),
    always_consume_default_token_bucket: false,
    descriptors: [
      limit(reads.user, { key: 'user' }),
      limit(reads.client, { key: 'by', value: 'app' }, { key: 'client' }),
      limit(reads.grant, { key: 'by', value: 'grant' }, { key: 'grant' }),
    ],
    rate_limits: callers.map((actions) => ({ actions: [isRead, ...actions], ...told })),
  });
}

/** Lets all pass, and marks the writes that the rate limit service is to count. */
export function writeSieve({ writes }: EdgeLimits): object {
  const entries = (user?: string) => [
    { key: 'kind', value: 'write' },
    { key: 'user', ...(user === undefined ? {} : { value: user }) },
  ];
  return {
    ...localLimit('write_sieve', {
      token_bucket: bucket(PLENTY),
      always_consume_default_token_bucket: false,
      descriptors: [
        { entries: entries(), token_bucket: bucket(writes.uncounted) },
        { entries: entries(NOBODY), token_bucket: bucket({ calls: 1, per: 'day' }) },
      ],
      rate_limits: [{ actions: [isWrite, ofUser] }, { actions: [isWrite, ofNobody] }],
    }),
    filter_enforced: { default_value: { numerator: 0, denominator: 'HUNDRED' } },
    request_headers_to_add_when_not_enforced: [overwrite(COUNTED, 'counted')],
  };
}

/**
 * Of the buckets of Envoy itself, by the names that the rate limit service uses; what that one says stands. Of two filters the one behind
 * knows more, and comes first.
 */
export const limitHeaders = {
  '@type': typeUrl('header_mutation.v3.HeaderMutation'),
  mutations: {
    response_mutations: ['limit', 'remaining', 'reset'].flatMap((name) => [
      {
        append: {
          header: { key: `ratelimit-${name}`, value: `%RESP(X-RATELIMIT-${name.toUpperCase()})%` },
          append_action: 'ADD_IF_ABSENT',
        },
      },
      { remove: `x-ratelimit-${name}` },
    ]),
  },
};

function localLimit(name: string, settings: object): object {
  const always = { default_value: { numerator: 100, denominator: 'HUNDRED' } };
  return {
    '@type': typeUrl('local_ratelimit.v3.LocalRateLimit'),
    stat_prefix: name,
    filter_enabled: always,
    filter_enforced: always,
    rate_limited_as_resource_exhausted: true,
    max_dynamic_descriptors: BUCKETS,
    ...settings,
  };
}

/** Full at the beginning, and filled by and by. */
function bucket({ calls, per }: Rate): object {
  return { max_tokens: calls, tokens_per_fill: calls, fill_interval: `${SECONDS[per]}s` };
}

function typeUrl(name: string): string {
  return `type.googleapis.com/envoy.extensions.filters.http.${name}`;
}

import { stringify } from 'yaml';
import { overwrite } from './parts.ts';
import type { Weight } from './rpcs.ts';

/** So many calls in a second, a minute, … */
export interface Rate {
  calls: number;
  per: 'second' | 'minute' | 'hour' | 'day';
}

/** What whoever has a token may ask. */
export interface CallerLimits {
  /** Of one person, by whatever session, app or key. */
  user: Rate;
  /** Of one app of a third party, for all people together. */
  client: Rate;
  /** Of one API key, or of one person's consent to an app. */
  grant: Rate;
}

/**
 * What one may ask of the front door. Requests as such and reads are counted by each Envoy for itself, in its own memory; writes by the rate
 * limit service, for all Envoys together, and weigh more than one where they do more (rpcs.ts).
 */
export interface EdgeLimits {
  /** All requests of all; each counts 1. */
  everyone: Rate;
  /** All requests from one IPv4 address, or one /64 of IPv6; each counts 1, whatever token it has. */
  network: Rate;
  reads: CallerLimits;
  writes: CallerLimits & {
    /** Of all. */
    everyone: Rate;
    /** From one network. */
    network: Rate;
    /**
     * So much, each 1, a person writes at each Envoy before the service is asked: whoever writes like a person costs it nothing. Whoever has
     * no token is counted at once.
     */
    uncounted: Rate;
  };
}

/**
 * A person who reads without a pause makes some 60 calls a minute, and whoever writes much some 20, of which most weigh 3. Behind one
 * address may be a school. Where an Envoy counts it is at least 60 a minute, so that the next call passes within a second.
 */
export const productionLimits: EdgeLimits = {
  everyone: { calls: 5_000, per: 'second' },
  network: { calls: 3_000, per: 'minute' },
  reads: {
    user: { calls: 600, per: 'minute' },
    client: { calls: 60_000, per: 'minute' },
    grant: { calls: 300, per: 'minute' },
  },
  writes: {
    everyone: { calls: 10_000, per: 'second' },
    network: { calls: 1_200, per: 'minute' },
    uncounted: { calls: 20, per: 'minute' },
    user: { calls: 120, per: 'minute' },
    client: { calls: 12_000, per: 'minute' },
    grant: { calls: 90, per: 'minute' },
  },
};

const DOMAIN = 'oxo';
/** What a route says of its calls. */
const ROUTE_METADATA = 'oxo.limits';
/** Buckets that an Envoy keeps of each kind. Who has not come for longest is forgotten, and begins with a full one. */
const BUCKETS = 50_000;
/** A service that is late is away: the call passes, and counts as ratelimit.failure_mode_allowed. */
const SERVICE_TIMEOUT = '0.05s';
const SECONDS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const;
/** Set by filters, for filters: no client's reaches them, and no service sees them (envoy.template.yaml). */
const COUNTED = 'x-oxo-counted';
const USER = 'x-oxo-user';
const CLIENT = 'x-oxo-client';
const GRANT = 'x-oxo-grant';
/** What jwt_authn writes of a token that it has verified. */
export const claimHeaders = [
  { header_name: USER, claim_name: 'sub' },
  { header_name: CLIENT, claim_name: 'client_id' },
  { header_name: GRANT, claim_name: 'sid' },
];
/** Those stay here. */
export const filterHeaders = [COUNTED, USER, CLIENT, GRANT];
/** Stands for whoever has no token; no person has such an id. */
const NOBODY = 'nobody';
/** Of a bucket that nobody empties. */
const PLENTY: Rate = { calls: 1_000_000_000, per: 'second' };

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

/** Never by a header that a client could send: by the address that Envoy believes, and by what its filters have verified. */
const ofNetwork = { masked_remote_address: { v4_prefix_mask_len: 32, v6_prefix_mask_len: 64 } };
/** The name that Envoy gives to it. */
const NETWORK = 'masked_remote_address';
const isRead = ofRoute('read');
const isWrite = ofRoute('write');
const isCounted = { request_headers: { header_name: COUNTED, descriptor_key: 'counted' } };
/** By what jwt_authn writes. Claims as metadata would cost 0.04 ms more. */
const ofUser = { request_headers: { header_name: USER, descriptor_key: 'user' } };
const ofNobody = {
  header_value_match: {
    descriptor_key: 'user',
    descriptor_value: NOBODY,
    headers: [{ name: USER, present_match: false }],
  },
};
const ofClient = { request_headers: { header_name: CLIENT, descriptor_key: 'client' } };
const ofGrant = { request_headers: { header_name: GRANT, descriptor_key: 'grant' } };
const callers = [[ofUser], [unlessOf('app', 'oxo|api-key'), ofClient], [unlessOf('grant', 'oxo'), ofGrant]];

/** Nothing is counted for tokens of these clients: our own sign-in is as many people as there are, and so are API keys. */
function unlessOf(value: 'app' | 'grant', clients: string): object {
  const isOne = { name: CLIENT, string_match: { safe_regex: { regex: clients } } };
  return {
    header_value_match: { descriptor_key: 'by', descriptor_value: value, headers: [{ ...isOne, invert_match: true }] },
  };
}

/** Nothing is counted on a route that says nothing of it. */
function ofRoute(kind: 'read' | 'write') {
  const metadata_key = { key: ROUTE_METADATA, path: [{ key: kind }] };
  return { metadata: { descriptor_key: 'kind', source: 'ROUTE_ENTRY', metadata_key } };
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

/** What is left stands in the answer. */
const told = { x_ratelimit_option: 'DRAFT_VERSION_03' };

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

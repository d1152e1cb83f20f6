import { loggedRequestId } from './local-replies.ts';
import { status } from './reply-filters.ts';

/** No part of a path of ours is as long as this; a token that somebody puts into one is longer. */
const MAX_ID_CHARACTERS = 36;
const RPC = `/oxo\\.[\\w.]+/[A-Za-z]{1,${MAX_ID_CHARACTERS}}`;
const harmless = { safe_regex: { regex: `(${RPC}|(/[^/?]{0,${MAX_ID_CHARACTERS}})*)(\\?.*)?` } };

/** Products, versions and comments are short words; a token is a long one. */
const harmlessAgent = { safe_regex: { regex: `\\S{0,${MAX_ID_CHARACTERS}}(\\s\\S{0,${MAX_ID_CHARACTERS}})*` } };

const matches = (name: string, match: object, isInverted: boolean) => ({
  header_filter: {
    header: { name, string_match: match, treat_missing_header_as_empty: true, invert_match: isInverted },
  },
});
/** The path as it came is in one header or, once it was transcoded, in the other. */
const pathHeaders = [':path', 'x-envoy-original-path'];
/** Somebody has put an address of email where an id belongs. */
const addresses = [{ contains: '@' }, { contains: '%40' }];
/** A name of a person; which RPC it was is said by the request's trace. */
const names = [{ contains: '/by-handle/' }];
const pathFilters = (isHarmless: boolean) =>
  pathHeaders.flatMap((name) => [
    matches(name, harmless, !isHarmless),
    ...[...addresses, ...names].map((address) => matches(name, address, isHarmless)),
  ]);
const pathIsHarmless = { and_filter: { filters: pathFilters(true) } };
const pathIsNot = { or_filter: { filters: pathFilters(false) } };
const agentIsHarmless = matches('user-agent', harmlessAgent, false);
const agentIsNot = matches('user-agent', harmlessAgent, true);

const MASKED = '(masked)';
/** Whose flood it is can be seen by this; whose request it is, can't. The audit log has the address where one is needed. */
const NETWORK = '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(24)%';

/** By the response, unless status.lua has taken it out of there. */
const grpcStatusFrom = { operators: [{ command: 'DYNAMIC_METADATA', param: 'oxo:grpc_status' }, 'GRPC_STATUS_NUMBER'] };
/** Envoy takes a 429 of its own for UNAVAILABLE; RESOURCE_EXHAUSTED is what it is for every client. */
const LIMITED = 429;
const RESOURCE_EXHAUSTED = '8';
const isLimited = status('EQ', LIMITED);
const isNotLimited = { or_filter: { filters: [status('LE', LIMITED - 1), status('GE', LIMITED + 1)] } };
const GRPC_STATUS = `%COALESCE(${JSON.stringify(grpcStatusFrom)})%`;

/** A line of JSON a request, without query strings and credentials, wherever somebody puts them. */
export function accessLog(): object[] {
  const where = { path: '%PATH(NQ:ORIG_OR_PATH)%', rpc: '%PATH(NQ:PATH)%' };
  const who = { userAgent: '%REQ(USER-AGENT):200%' };
  return [
    ...logs([pathIsHarmless, agentIsHarmless], { ...where, ...who }),
    ...logs([pathIsHarmless, agentIsNot], { ...where, userAgent: MASKED }),
    ...logs([pathIsNot, agentIsHarmless], { path: MASKED, ...who }),
    ...logs([pathIsNot, agentIsNot], { path: MASKED, userAgent: MASKED }),
  ];
}

function logs(filters: readonly object[], said: Readonly<Record<string, string>>): object[] {
  return [
    log([isNotLimited, ...filters], { ...said, grpcStatus: GRPC_STATUS }),
    log([isLimited, ...filters], { ...said, grpcStatus: RESOURCE_EXHAUSTED }),
  ];
}

function log(filters: readonly object[], said: Readonly<Record<string, string>>): object {
  return {
    name: 'envoy.access_loggers.stdout',
    filter: { and_filter: { filters } },
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
      log_format: {
        json_format: {
          time: '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
          level: 'info',
          service: 'gateway',
          method: '%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%',
          ...said,
          protocol: '%PROTOCOL%',
          status: '%RESPONSE_CODE%',
          flags: '%RESPONSE_FLAGS%',
          detail: '%RESPONSE_CODE_DETAILS%',
          durationMs: '%DURATION%',
          bytesReceived: '%BYTES_RECEIVED%',
          bytesSent: '%BYTES_SENT%',
          requestId: loggedRequestId,
          trace_id: '%TRACE_ID%',
          span_id: '%SPAN_ID%',
          network: NETWORK,
          upstream: '%UPSTREAM_CLUSTER%',
        },
      },
    },
  };
}

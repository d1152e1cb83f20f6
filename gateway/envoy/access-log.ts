import { loggedRequestId } from './local-replies.ts';

/** No part of a path of ours is as long as this; a token that somebody puts into one is longer. */
const MAX_ID_CHARACTERS = 36;
const RPC = `/oxo\\.[\\w.]+/[A-Za-z]{1,${MAX_ID_CHARACTERS}}`;
const harmless = { safe_regex: { regex: `(${RPC}|(/[^/?]{0,${MAX_ID_CHARACTERS}})*)(\\?.*)?` } };

/** The path as it came is in one header or, once it was transcoded, in the other. */
const isHarmless = {
  and_filter: {
    filters: [':path', 'x-envoy-original-path'].map((name) => ({
      header_filter: { header: { name, string_match: harmless, treat_missing_header_as_empty: true } },
    })),
  },
};
const isNot = {
  or_filter: {
    filters: [':path', 'x-envoy-original-path'].map((name) => ({
      header_filter: {
        header: { name, string_match: harmless, treat_missing_header_as_empty: true, invert_match: true },
      },
    })),
  },
};

/** By the response, unless status.lua has taken it out of there. */
const grpcStatusFrom = { operators: [{ command: 'DYNAMIC_METADATA', param: 'oxo:grpc_status' }, 'GRPC_STATUS_NUMBER'] };
const GRPC_STATUS = `%COALESCE(${JSON.stringify(grpcStatusFrom)})%`;

/** A line of JSON a request, without query strings and credentials, wherever somebody puts them. */
export function accessLog(): object[] {
  const path = '%PATH(NQ:ORIG_OR_PATH)%';
  const rpc = '%PATH(NQ:PATH)%';
  return [log(isHarmless, { path, rpc }), log(isNot, { path: '(masked)' })];
}

function log(filter: object, where: Readonly<Record<string, string>>): object {
  return {
    name: 'envoy.access_loggers.stdout',
    filter,
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
      log_format: {
        json_format: {
          time: '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
          level: 'info',
          service: 'gateway',
          method: '%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%',
          ...where,
          protocol: '%PROTOCOL%',
          status: '%RESPONSE_CODE%',
          grpcStatus: GRPC_STATUS,
          flags: '%RESPONSE_FLAGS%',
          detail: '%RESPONSE_CODE_DETAILS%',
          durationMs: '%DURATION%',
          bytesReceived: '%BYTES_RECEIVED%',
          bytesSent: '%BYTES_SENT%',
          requestId: loggedRequestId,
          traceId: '%TRACE_ID%',
          client: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
          userAgent: '%REQ(USER-AGENT):200%',
          upstream: '%UPSTREAM_CLUSTER%',
        },
      },
    },
  };
}

import { overwrite } from './parts.ts';

interface LocalReply {
  httpStatus: number;
  /** The status that goes out instead, where Envoy's own choice is not ours. */
  sendAs?: number;
  /** google.rpc.Code. */
  code: number;
  /** A name of oxo.common.v1.ErrorReason. */
  reason: string;
  message: string;
  retryAfterSeconds?: number;
}

/** What Envoy answers itself, by the HTTP status that it has chosen. %LOCAL_REPLY_BODY% is Envoy's own explanation. */
export const localReplies: readonly LocalReply[] = [
  { httpStatus: 400, code: 3, reason: 'REQUEST_MALFORMED', message: 'Malformed request. %LOCAL_REPLY_BODY%' },
  { httpStatus: 401, code: 16, reason: 'TOKEN_INVALID', message: '%LOCAL_REPLY_BODY%' },
  { httpStatus: 403, sendAs: 401, code: 16, reason: 'TOKEN_INVALID', message: '%LOCAL_REPLY_BODY%' },
  { httpStatus: 404, code: 5, reason: 'ROUTE_NOT_FOUND', message: 'No such path.' },
  { httpStatus: 408, code: 4, reason: 'REQUEST_TIMEOUT', message: 'The request did not arrive in time.' },
  { httpStatus: 413, code: 3, reason: 'BODY_TOO_LARGE', message: 'The body is larger than 64 KiB.' },
  { httpStatus: 429, code: 8, reason: 'RATE_LIMITED', message: 'Too many requests.', retryAfterSeconds: 1 },
  {
    httpStatus: 431,
    code: 3,
    reason: 'HEADERS_TOO_LARGE',
    message: 'The headers are larger than 12 KiB or more than 100.',
  },
  { httpStatus: 500, code: 13, reason: 'INTERNAL', message: 'Internal error.' },
  { httpStatus: 502, code: 14, reason: 'UNAVAILABLE', message: 'The service is away.', retryAfterSeconds: 1 },
  { httpStatus: 503, code: 14, reason: 'UNAVAILABLE', message: 'The service is away.', retryAfterSeconds: 1 },
  { httpStatus: 504, code: 4, reason: 'DEADLINE_EXCEEDED', message: 'No answer in time.' },
];

// Not the client's fault: Envoy could not get the keys that verify tokens.
const keysUnavailable: LocalReply = {
  httpStatus: 401,
  sendAs: 503,
  code: 14,
  reason: 'UNAVAILABLE',
  message: 'Tokens cannot be verified now.',
  retryAfterSeconds: 1,
};
const upgradeRefused: LocalReply = {
  httpStatus: 403,
  sendAs: 400,
  code: 3,
  reason: 'REQUEST_MALFORMED',
  message: 'Malformed request. No upgrade is supported here.',
};
// Such as 426, Envoy's answer to HTTP/1.0.
const otherClientError: LocalReply = {
  httpStatus: 400,
  code: 3,
  reason: 'REQUEST_MALFORMED',
  message: 'Malformed request. %LOCAL_REPLY_BODY%',
};
const otherServerError: LocalReply = { httpStatus: 500, code: 13, reason: 'INTERNAL', message: 'Internal error.' };

const isGrpcClient = {
  and_filter: {
    filters: [
      { header_filter: { header: { name: 'content-type', string_match: { prefix: 'application/grpc' } } } },
      // A request that was transcoded has the content type of gRPC by now; its client wants JSON.
      { header_filter: { header: { name: 'x-envoy-original-path', present_match: false } } },
    ],
  },
};

const asItIs = { body_format_override: { text_format_source: { inline_string: '%LOCAL_REPLY_BODY%' } } };

/** Envoy's local_reply_config: google.rpc.Status in JSON for REST clients, plain gRPC errors for gRPC clients. */
export function localReplyConfig(headersToAdd: object[]): object {
  return {
    mappers: [
      // A token meant for someone else is UNAUTHENTICATED, as at REST; Envoy says 403.
      { filter: { and_filter: { filters: [isGrpcClient, status('EQ', 403)] } }, status_code: 401, ...asItIs },
      { filter: isGrpcClient, ...asItIs },
      // A key that is not among those that it has got is the token's fault, though.
      mapper(details('Jwks', 'to_match_kid_or_alg'), keysUnavailable, headersToAdd),
      mapper(details('upgrade_failed'), upgradeRefused, headersToAdd),
      ...localReplies.map((reply) => mapper(status('EQ', reply.httpStatus), reply, headersToAdd)),
      mapper(status('GE', 500), otherServerError, headersToAdd),
      mapper(status('GE', 400), otherClientError, headersToAdd),
    ],
  };
}

function mapper(filter: object, reply: LocalReply, headersToAdd: object[]): object {
  const retryAfter =
    reply.retryAfterSeconds === undefined ? [] : [overwrite('retry-after', String(reply.retryAfterSeconds))];
  return {
    filter,
    ...(reply.sendAs === undefined ? {} : { status_code: reply.sendAs }),
    headers_to_add: [...headersToAdd, ...retryAfter],
    body_format_override: errorBody(reply),
  };
}

function errorBody({ code, reason, message }: LocalReply): object {
  return {
    content_type: 'application/json',
    omit_empty_values: true,
    json_format: {
      code,
      message,
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason,
          domain: 'oxo',
          metadata: { requestId: '%REQ(X-REQUEST-ID)%' },
        },
      ],
    },
  };
}

/** Holds when Envoy's own explanation has one text and not the other. */
function details(part: string, without?: string): object {
  const text = 'response.code_details';
  const unless = without === undefined ? '' : ` && !${text}.contains('${without}')`;
  return {
    extension_filter: {
      name: 'envoy.access_loggers.extension_filters.cel',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
        expression: `${text}.contains('${part}')${unless}`,
      },
    },
  };
}

function status(op: 'EQ' | 'GE' | 'LE', value: number): object {
  return { status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'oxo.none' } } } };
}

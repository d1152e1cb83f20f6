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
  // The body comes in an encoding that Envoy does not know.
  {
    httpStatus: 501,
    sendAs: 400,
    code: 3,
    reason: 'REQUEST_MALFORMED',
    message: 'Malformed request. Transfer-Encoding: must be chunked',
  },
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
/** As many requests are on their way to the service as may be. */
const overflow: LocalReply = {
  httpStatus: 503,
  code: 14,
  reason: 'UNAVAILABLE',
  message: 'The service is busy.',
  retryAfterSeconds: 1,
};
const isOverflow = { response_flag_filter: { flags: ['UO'] } };
const upgradeRefused: LocalReply = {
  httpStatus: 403,
  sendAs: 400,
  code: 3,
  reason: 'REQUEST_MALFORMED',
  message: 'Malformed request. No upgrade is supported here.',
};
/** What Envoy refuses without a word, by its name for it. */
const unexplained = Object.entries({
  path_normalization_failed: 'The path is not valid; it may hold neither escaped slashes nor U+0000.',
  missing_host_header: 'The Host header is missing.',
  absolute_path_rejected: 'The path must begin with a slash.',
});
// Such as 426, Envoy's answer to HTTP/1.0.
const otherClientError: LocalReply = {
  httpStatus: 400,
  code: 3,
  reason: 'REQUEST_MALFORMED',
  message: 'Malformed request. %LOCAL_REPLY_BODY%',
};
const otherServerError: LocalReply = { httpStatus: 500, code: 13, reason: 'INTERNAL', message: 'Internal error.' };

const ownRequestId = { command: 'REQ', param: 'X-REQUEST-ID' };
const firstOf = (...operators: object[]): string => `%COALESCE(${JSON.stringify({ operators })})%`;

/** The id of a request in the access log: what was refused before it had one got its id with the answer. */
export const loggedRequestId = firstOf(ownRequestId, { command: 'RESP', param: 'X-REQUEST-ID' });
const withRequestId = overwrite('x-request-id', firstOf(ownRequestId, { command: 'UNIQUE_ID' }));

const grpcContentType = 'application/grpc(\\+.*)?';
const isGrpcClient = {
  and_filter: {
    filters: [
      // As Envoy itself tells them; gRPC-Web is not served here, and its clients are told so in JSON.
      { header_filter: { header: { name: 'content-type', string_match: { safe_regex: { regex: grpcContentType } } } } },
      // A request that was transcoded has the content type of gRPC by now; its client wants JSON.
      { header_filter: { header: { name: 'x-envoy-original-path', present_match: false } } },
    ],
  },
};

const asItIs = { body_format_override: { text_format_source: { inline_string: '%LOCAL_REPLY_BODY%' } } };

/** Envoy's local_reply_config: google.rpc.Status in JSON for REST clients, plain gRPC errors for gRPC clients. */
export function localReplyConfig(headersToAdd: object[]): object {
  // A key that is not among those that it has got is the token's fault, though.
  const noKeys = details('Jwks', 'to_match_kid_or_alg');
  return {
    mappers: [
      // First, since nothing is refused as often, and never when there is less time for it.
      grpcMapper(isOverflow, overflow),
      mapper(isOverflow, overflow, headersToAdd),
      grpcMapper(noKeys, keysUnavailable),
      // An unknown path stays UNIMPLEMENTED.
      ...localReplies
        .filter(({ httpStatus }) => httpStatus !== 404)
        .map((reply) => grpcMapper(status('EQ', reply.httpStatus), reply)),
      { filter: isGrpcClient, ...asItIs },
      mapper(noKeys, keysUnavailable, headersToAdd),
      mapper(details('upgrade_failed'), upgradeRefused, headersToAdd),
      ...unexplained.map(([name, message]) =>
        mapper(details(name), { ...otherClientError, message: `Malformed request. ${message}` }, headersToAdd),
      ),
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
    headers_to_add: [...headersToAdd, withRequestId, ...retryAfter],
    body_format_override: errorBody(reply),
  };
}

/** gRPC clients get the same code as REST clients; Envoy's own table makes INTERNAL or UNKNOWN of most. */
function grpcMapper(filter: object, { code }: LocalReply): object {
  return {
    filter: { and_filter: { filters: [isGrpcClient, filter] } },
    headers_to_add: [overwrite('grpc-status', String(code))],
    ...asItIs,
  };
}

function errorBody({ code, reason, message, retryAfterSeconds }: LocalReply): object {
  const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterSeconds}s` };
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
          // As in the answer's header, which is made first.
          metadata: { requestId: '%RESP(X-REQUEST-ID)%' },
        },
        ...(retryAfterSeconds === undefined ? [] : [retryInfo]),
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

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
  { httpStatus: 400, code: 3, reason: 'REQUEST_MALFORMED', message: '%LOCAL_REPLY_BODY%' },
  { httpStatus: 401, code: 16, reason: 'TOKEN_INVALID', message: '%LOCAL_REPLY_BODY%' },
  { httpStatus: 403, sendAs: 401, code: 16, reason: 'TOKEN_INVALID', message: '%LOCAL_REPLY_BODY%' },
  { httpStatus: 404, code: 5, reason: 'ROUTE_NOT_FOUND', message: 'No such path.' },
  { httpStatus: 408, code: 4, reason: 'REQUEST_TIMEOUT', message: 'The request did not arrive in time.' },
  { httpStatus: 413, code: 3, reason: 'BODY_TOO_LARGE', message: 'The body is larger than 64 KiB.' },
  { httpStatus: 429, code: 8, reason: 'RATE_LIMITED', message: 'Too many requests.', retryAfterSeconds: 1 },
  { httpStatus: 431, code: 3, reason: 'HEADERS_TOO_LARGE', message: 'The headers are larger than 32 KiB or too many.' },
  { httpStatus: 500, code: 13, reason: 'INTERNAL', message: 'Internal error.' },
  { httpStatus: 502, code: 14, reason: 'UNAVAILABLE', message: 'The service is away.', retryAfterSeconds: 1 },
  { httpStatus: 503, code: 14, reason: 'UNAVAILABLE', message: 'The service is away.', retryAfterSeconds: 1 },
  { httpStatus: 504, code: 4, reason: 'DEADLINE_EXCEEDED', message: 'No answer in time.' },
];

const isGrpcClient = {
  and_filter: {
    filters: [
      header('content-type', { prefix: 'application/grpc' }),
      { header_filter: { header: { name: 'x-envoy-original-path', present_match: false } } },
    ],
  },
};

/** Envoy's local_reply_config: google.rpc.Status in JSON for REST clients, plain gRPC errors for gRPC clients. */
export function localReplyConfig(headersToAdd: object[]): object {
  return {
    mappers: [
      { filter: isGrpcClient, body_format_override: { text_format_source: { inline_string: '%LOCAL_REPLY_BODY%' } } },
      ...localReplies.map((reply) => ({
        filter: status('EQ', reply.httpStatus),
        ...(reply.sendAs === undefined ? {} : { status_code: reply.sendAs }),
        headers_to_add: [
          ...headersToAdd,
          ...(reply.retryAfterSeconds === undefined ? [] : [overwrite('retry-after', String(reply.retryAfterSeconds))]),
        ],
        body_format_override: errorBody(reply),
      })),
    ],
  };
}

function errorBody({ code, reason, message }: LocalReply): object {
  return {
    content_type: 'application/json',
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

function header(name: string, match: object): object {
  return { header_filter: { header: { name, string_match: match } } };
}

function status(op: 'EQ' | 'GE' | 'LE', value: number): object {
  return { status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'oxo.none' } } } };
}

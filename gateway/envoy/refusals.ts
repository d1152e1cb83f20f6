/** What the front door answers itself. */
export interface LocalReply {
  httpStatus: number;
  /** The status that goes out instead, where Envoy's own choice is not ours. */
  sendAs?: number;
  /** google.rpc.Code. */
  code: number;
  /** A name of oxo.common.v1.ErrorReason. */
  reason: string;
  message: string;
  /** A number, or where in the answer's headers it stands. */
  retryAfterSeconds?: number | string;
}

const FOREIGN_TOKEN = 'The access token is not one of this server, or was changed. Sign in again.';

/** What Envoy answers itself, by the HTTP status that it has chosen. %LOCAL_REPLY_BODY% is Envoy's own explanation. */
export const localReplies: readonly LocalReply[] = [
  { httpStatus: 400, code: 3, reason: 'REQUEST_MALFORMED', message: 'Malformed request. %LOCAL_REPLY_BODY%' },
  { httpStatus: 401, code: 16, reason: 'TOKEN_INVALID', message: FOREIGN_TOKEN },
  { httpStatus: 403, sendAs: 401, code: 16, reason: 'TOKEN_INVALID', message: FOREIGN_TOKEN },
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

/** Not the client's fault: Envoy could not get the keys that verify tokens. */
export const keysUnavailable: LocalReply = {
  httpStatus: 401,
  sendAs: 503,
  code: 14,
  reason: 'UNAVAILABLE',
  message: 'Tokens cannot be verified now.',
  retryAfterSeconds: 1,
};
/** Whose access token only needs another one, or is none. Envoy's own words for it, in which it may speak of any part of a JWT, go nowhere. */
export const tokensRefused: readonly { details: string; reply: LocalReply }[] = [
  tokenRefused(
    'Jwt_is_expired',
    'The access token has expired: POST /api/v1/auth/refresh with the refresh token, or sign in again.',
  ),
  ...['Jwt_is_not_in_the_form', 'invalid_Base64', 'invalid_JSON'].map((details) =>
    tokenRefused(
      details,
      'What was sent is no access token: one has three parts with dots between them. Sign in for one.',
    ),
  ),
];
/** By auth, which was to exchange the credentials for a token; it names the reason in a header that never leaves. */
export const credentialsRefused: readonly LocalReply[] = [
  { httpStatus: 400, code: 3, reason: '%RESP(X-OXO-REASON)%', message: '%LOCAL_REPLY_BODY%' },
  { httpStatus: 401, code: 16, reason: '%RESP(X-OXO-REASON)%', message: '%LOCAL_REPLY_BODY%' },
];
/** The same to clients of gRPC, for which auth makes the whole of google.rpc.Status. */
export const credentialsRefusedByGrpc: readonly LocalReply[] = [
  ...credentialsRefused,
  { httpStatus: 429, code: 8, reason: '%RESP(X-OXO-REASON)%', message: 'Too many wrong credentials.' },
];
/** As many requests are on their way to the service as may be. */
export const overflow: LocalReply = {
  httpStatus: 503,
  code: 14,
  reason: 'UNAVAILABLE',
  message: 'The service is busy.',
  retryAfterSeconds: 1,
};
/** By the rate limit service, which says when to come back. */
export const writesLimited: LocalReply = {
  httpStatus: 429,
  code: 8,
  reason: 'RATE_LIMITED',
  message: 'Too many requests.',
  retryAfterSeconds: '%RESP(RATELIMIT-RESET)%',
};
export const unknownRpc: LocalReply = { httpStatus: 404, code: 12, reason: 'ROUTE_NOT_FOUND', message: 'No such RPC.' };
export const upgradeRefused: LocalReply = {
  httpStatus: 403,
  sendAs: 400,
  code: 3,
  reason: 'REQUEST_MALFORMED',
  message: 'Malformed request. No upgrade is supported here.',
};
/** What Envoy refuses without a word, by its name for it. */
export const unexplained = Object.entries({
  path_normalization_failed: 'The path is not valid; it may hold neither escaped slashes nor U+0000.',
  missing_host_header: 'The Host header is missing.',
  absolute_path_rejected: 'The path must begin with a slash.',
});
/** Such as 426, Envoy's answer to HTTP/1.0. */
export const otherClientError: LocalReply = {
  httpStatus: 400,
  code: 3,
  reason: 'REQUEST_MALFORMED',
  message: 'Malformed request. %LOCAL_REPLY_BODY%',
};
export const otherServerError: LocalReply = {
  httpStatus: 500,
  code: 13,
  reason: 'INTERNAL',
  message: 'Internal error.',
};

function tokenRefused(details: string, message: string): { details: string; reply: LocalReply } {
  return { details, reply: { httpStatus: 401, code: 16, reason: 'TOKEN_INVALID', message } };
}

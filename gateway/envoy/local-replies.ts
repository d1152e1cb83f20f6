import { ownPathMappers, toOwnPaths } from './own-path-replies.ts';
import { overwrite } from './parts.ts';
import {
  credentialsRefused,
  credentialsRefusedByGrpc,
  keysUnavailable,
  type LocalReply,
  localReplies,
  otherClientError,
  otherServerError,
  overflow,
  tokensRefused,
  unexplained,
  unknownRpc,
  upgradeRefused,
  writesLimited,
} from './refusals.ts';
import { both, details, status } from './reply-filters.ts';

/** What auth has made of its refusal, for clients of gRPC. */
const detailsOfAuth = overwrite('grpc-status-details-bin', '%RESP(X-OXO-DETAILS)%');

const isOverflow = { response_flag_filter: { flags: ['UO'] } };

const ownRequestId = { command: 'REQ', param: 'X-REQUEST-ID' };
const firstOf = (...operators: object[]): string => `%COALESCE(${JSON.stringify({ operators })})%`;

/** The id of a request in the access log: what was refused before it had one got its id with the answer. */
export const loggedRequestId = firstOf(ownRequestId, { command: 'RESP', param: 'X-REQUEST-ID' });
const withRequestId = overwrite('x-request-id', firstOf(ownRequestId, { command: 'UNIQUE_ID' }));

const grpcContentType = 'application/grpc(\\+.*)?';
const grpcFilters = [
  // As Envoy itself tells them; those of gRPC-Web are among them by now.
  { header_filter: { header: { name: 'content-type', string_match: { safe_regex: { regex: grpcContentType } } } } },
  // A request that was transcoded has the content type of gRPC by now; its client wants JSON.
  { header_filter: { header: { name: 'x-envoy-original-path', present_match: false } } },
];
/** Every library of gRPC-Web says so by this header, as its protocol asks. */
const grpcWebFilters = [...grpcFilters, { header_filter: { header: { name: 'x-grpc-web', present_match: true } } }];

/**
 * Envoy's local_reply_config: google.rpc.Status in JSON for REST clients, plain gRPC errors for gRPC clients; and for what auth serves by HTTP, pages and
 * errors of OAuth.
 */
export function localReplyConfig(headersToAdd: object[]): object {
  // A key that is not among those that it has got is the token's fault, though.
  const noKeys = details('Jwks', 'to_match_kid_or_alg');
  // The buckets of Envoy itself have room for one call more within a second.
  const byService = details('request_rate_limited');
  const ofTokens = tokensRefused.map((one) => ({
    filter: both(status('EQ', 401), details(one.details)),
    reply: one.reply,
  }));
  return {
    mappers: [
      // First, since nothing is refused as often, and never when there is less time for it.
      ...grpcMappers(isOverflow, overflow),
      mapper(both(isOverflow, toOwnPaths(false)), overflow, headersToAdd),
      ...grpcMappers(noKeys, keysUnavailable),
      ...grpcMappers(byService, writesLimited),
      ...credentialsRefusedByGrpc.flatMap((reply) =>
        grpcMappers(both(details('ext_authz_denied'), status('EQ', reply.httpStatus)), reply, [detailsOfAuth]),
      ),
      ...ofTokens.flatMap(({ filter, reply }) => grpcMappers(filter, reply)),
      ...grpcMappers(status('EQ', 404), unknownRpc),
      ...localReplies.flatMap((reply) => grpcMappers(status('EQ', reply.httpStatus), reply)),
      ...grpcMappers(status('GE', 500), otherServerError),
      ...grpcMappers(status('GE', 400), otherClientError),
      ...ownPathMappers([...headersToAdd, withRequestId]),
      mapper(noKeys, keysUnavailable, headersToAdd),
      mapper(byService, writesLimited, headersToAdd),
      ...credentialsRefused.map((reply) =>
        mapper(both(details('ext_authz_denied'), status('EQ', reply.httpStatus)), reply, headersToAdd),
      ),
      ...ofTokens.map(({ filter, reply }) => mapper(filter, reply, headersToAdd)),
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
  return {
    filter,
    ...(reply.sendAs === undefined ? {} : { status_code: reply.sendAs }),
    headers_to_add: [...headersToAdd, withRequestId, ...retryAfter(reply)],
    body_format_override: errorBody(reply),
  };
}

function retryAfter({ retryAfterSeconds }: LocalReply): object[] {
  return retryAfterSeconds === undefined ? [] : [overwrite('retry-after', String(retryAfterSeconds))];
}

/**
 * Clients of gRPC get the same code as REST clients; Envoy's own table makes INTERNAL or UNKNOWN of most. To Envoy those of gRPC-Web are no
 * gRPC clients, and would get the text as a body that they cannot read: theirs is an answer without a body, whose headers end the call.
 */
function grpcMappers(filter: object, reply: LocalReply, more: object[] = []): object[] {
  const headers = [overwrite('grpc-status', String(reply.code)), withRequestId, ...retryAfter(reply), ...more];
  // Headers are made without Envoy's explanation.
  const message = reply.message.replace('%LOCAL_REPLY_BODY%', '').trim() || 'The token is not valid.';
  return [
    {
      filter: { and_filter: { filters: [...grpcWebFilters, filter] } },
      status_code: 200,
      headers_to_add: [...headers, overwrite('grpc-message', message)],
      body_format_override: { text_format_source: { inline_string: '' } },
    },
    {
      filter: { and_filter: { filters: [...grpcFilters, filter] } },
      headers_to_add: headers,
      body_format_override: { text_format_source: { inline_string: reply.message } },
    },
  ];
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

import type { ServerResponse } from 'node:http';
import { Status } from 'nice-grpc-common';
import { OxoError, type Reason } from '#kit/errors.ts';

const HTTP_OF_CODE: Partial<Record<Status, number>> = {
  [Status.INVALID_ARGUMENT]: 400,
  [Status.FAILED_PRECONDITION]: 400,
  [Status.UNAUTHENTICATED]: 401,
  [Status.PERMISSION_DENIED]: 403,
  [Status.NOT_FOUND]: 404,
  [Status.ALREADY_EXISTS]: 409,
  [Status.ABORTED]: 409,
  [Status.RESOURCE_EXHAUSTED]: 429,
  [Status.UNAVAILABLE]: 503,
  [Status.DEADLINE_EXCEEDED]: 504,
};
const HTTP_OF_REASON: Partial<Record<Reason, number>> = { BODY_TOO_LARGE: 413 };
const TYPE = 'type.googleapis.com/google.rpc.';

/** Sends the body as JSON. @param cacheControl nothing is kept unless it says so */
export function sendJson(response: ServerResponse, status: number, body: object, cacheControl = 'no-store'): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': cacheControl,
  });
  response.end(bytes);
}

/** The HTTP status that the front door would make of the error. */
export function httpStatusOf({ reason, code }: OxoError): number {
  return HTTP_OF_REASON[reason] ?? HTTP_OF_CODE[code] ?? 500;
}

/** Answers with google.rpc.Status in proto3 JSON, as every error of ours; whatever is not one of ours leaves as INTERNAL. */
export function sendError(exchange: { response: ServerResponse; requestId: string }, error: unknown): void {
  const { response, requestId } = exchange;
  if (response.headersSent || response.destroyed) return;
  const known = error instanceof OxoError ? error : new OxoError('INTERNAL', 'Something went wrong.');
  const { code, message, reason, retryAfterMs } = known;
  const info = { '@type': `${TYPE}ErrorInfo`, reason, domain: 'oxo', metadata: { requestId } };
  const seconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
  const retry = seconds === undefined ? [] : [{ '@type': `${TYPE}RetryInfo`, retryDelay: `${seconds}s` }];
  if (seconds !== undefined) response.setHeader('retry-after', String(seconds));
  response.setHeader('x-request-id', requestId);
  sendJson(response, httpStatusOf(known), { code, message, details: [info, ...retry] });
}

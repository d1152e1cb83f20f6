import type { ServerResponse } from 'node:http';
import { OxoError } from '#kit/errors.ts';
import { encodeStatus } from '#kit/rpc/status-details.ts';
import { NOBODY } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { httpStatusOf } from '../http/answers.ts';
import type { HttpServer } from '../http/server.ts';
import { networkOf } from '../origin/device.ts';
import type { Exchange } from './exchange.ts';

/** Where the front door asks (gateway/envoy/exchange.ts); it lets nobody else in. */
const EXCHANGE_PATH = '/internal/exchange';
/** The front door asks by the method of the request that it has. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Answers the front door: 200 with the Authorization that the request goes on with, or a refusal, whose text and reason it puts into the
 * one shape of errors.
 */
export function serveExchange(http: HttpServer, exchange: Exchange, counted: Pick<CountedAudit, 'add'>): void {
  http.handle({ path: EXCHANGE_PATH, methods: METHODS, lane: 'exchange' }, async (asked) => {
    const { request, response, device, requestId } = asked;
    const shown = { authorization: request.headers.authorization, apiKey: headerOf(request.headers['x-api-key']) };
    try {
      const token = await exchange(shown, networkOf(device.ip));
      response.writeHead(200, { authorization: `Bearer ${token}`, 'content-length': 0 }).end();
    } catch (error) {
      if (!(error instanceof OxoError)) throw error;
      if (error.reason !== 'UNAVAILABLE')
        counted.add({ action: 'EXCHANGE_CREDENTIAL', outcome: 'REFUSED', actor: NOBODY }, { requestId, device });
      refuse(response, error, requestId);
    }
  });
}

function refuse(response: ServerResponse, error: OxoError, requestId: string): void {
  const { reason, message, retryAfterMs } = error;
  const status = httpStatusOf(error);
  response.writeHead(status, {
    'content-type': 'text/plain',
    'x-oxo-reason': reason,
    // For clients of gRPC, which get it as it is.
    'x-oxo-details': Buffer.from(encodeStatus(error, requestId)).toString('base64'),
    // RFC 6750, section 3.1.
    ...(status === 401
      ? { 'www-authenticate': reason === 'TOKEN_INVALID' ? 'Bearer error="invalid_token"' : 'Bearer' }
      : {}),
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
  });
  response.end(message);
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join() : value;
}

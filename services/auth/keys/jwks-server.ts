import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JSONWebKeySet } from 'jose';
import { OxoError } from '#kit/errors.ts';
import type { Logger } from '#kit/observability/logger.ts';

export const JWKS_PATH = '/.well-known/jwks.json';
/** So long a cache may keep the keys; a new key stands here for longer before it signs. */
const CACHE_CONTROL = 'public, max-age=300';
const HTTP_NOT_FOUND = 404;

export interface JwksServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves the public keys over HTTP, to Envoy and to the other services. GET only.
 * @param options.port 0 takes a free one
 */
export async function startJwksServer(options: {
  host: string;
  port: number;
  published: () => JSONWebKeySet;
  logger: Logger;
}): Promise<JwksServer> {
  const { host, port, published, logger } = options;
  const server = createServer(
    { maxHeaderSize: 8_192, requestTimeout: 5_000, headersTimeout: 5_000 },
    (request, response) => answer(request, response, published),
  );
  server.maxConnections = 256;
  server.keepAliveTimeout = 30_000;
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  logger.info({ port: address.port }, 'serving the public keys');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, published: () => JSONWebKeySet): void {
  // Nobody has reason to send a body; what comes is thrown away with the connection.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
    response.setHeader('connection', 'close');
  }
  const path = request.url?.split('?', 1)[0];
  if (request.method === 'GET' && path === JWKS_PATH) {
    send(response, 200, published(), CACHE_CONTROL);
  } else {
    send(response, HTTP_NOT_FOUND, notFound(), 'no-store');
  }
}

function send(response: ServerResponse, status: number, body: object, cacheControl: string): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': cacheControl,
  });
  response.end(bytes);
}

/** google.rpc.Status in proto3 JSON, as every error of ours. */
function notFound(): object {
  const { code, message, reason } = new OxoError('ROUTE_NOT_FOUND', 'There is no such path.');
  return { code, message, details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'oxo' }] };
}

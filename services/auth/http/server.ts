import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { OxoError, unavailable } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { type Device, deviceOfHeaders } from '../sessions/device.ts';
import { sendError } from './answers.ts';

/** The largest body that anybody may send; the front door lets no larger one through. */
export const MAX_BODY_BYTES = 64 * 1024;
/** Shorter than the front door waits, so that the answer is ours. */
const REQUEST_LIMIT_MS = 9 * SECOND_MS;
/** The headers that the front door lets through, and what it adds. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 512;
const MAX_AT_ONCE = 128;

/** A request and its answer, with what every handler needs to know. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** Well formed; also in the header x-request-id, where what came was not. */
  requestId: string;
  device: Device;
}

export type HttpHandler = (exchange: Exchange) => Promise<void> | void;

/** A path that ends with a slash stands for all that have one more part, `/oauth/authorize/` for `/oauth/authorize/…`. */
export interface HttpRoute {
  path: string;
  methods: readonly string[];
}

/** What auth serves by HTTP: its public keys, OAuth, the pages. What no handler stands for is not found. */
export interface HttpServer {
  port: number;
  /** @throws Error when the path has a handler */
  handle(route: HttpRoute, handler: HttpHandler): void;
  close(): Promise<void>;
}

export interface HttpServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  logger: Logger;
  clock: Clock;
  /** Requests that are worked on at once; more are refused with 503. */
  maxAtOnce?: number;
  /** How long a handler may take before the answer is 504. */
  limitMs?: number;
}

/** Starts the one HTTP server of auth. Sizes, times and numbers are bounded, and every error has the one shape. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, logger, clock, maxAtOnce = MAX_AT_ONCE, limitMs = REQUEST_LIMIT_MS } = options;
  const routes = new Map<string, { methods: readonly string[]; handler: HttpHandler }>();
  let atOnce = 0;

  function routeOf({ path }: Exchange): string {
    if (path.endsWith('/')) return '';
    return routes.has(path) ? path : path.slice(0, path.lastIndexOf('/') + 1);
  }

  async function answer(exchange: Exchange): Promise<void> {
    const route = routes.get(routeOf(exchange));
    if (route === undefined || !route.methods.includes(exchange.request.method ?? '')) {
      throw new OxoError('ROUTE_NOT_FOUND', 'There is no such path.');
    }
    if (Number(exchange.request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
      throw new OxoError('BODY_TOO_LARGE', 'The body is larger than 64 KiB.');
    }
    if (atOnce >= maxAtOnce) throw unavailable('Too much is asked at once. Try again in a moment.');
    atOnce += 1;
    try {
      await route.handler(exchange);
    } finally {
      atOnce -= 1;
    }
  }

  async function handle(exchange: Exchange): Promise<void> {
    const { request, response, requestId } = exchange;
    const timer = setTimeout(
      () => sendError(exchange, new OxoError('DEADLINE_EXCEEDED', 'It took too long.')),
      limitMs,
    );
    try {
      await answer(exchange);
    } catch (error) {
      if (!(error instanceof OxoError) || error.reason === 'INTERNAL') {
        logger.error({ err: error, requestId, method: request.method, path: routeOf(exchange) }, 'request failed');
      }
      // What nobody has read of a body is thrown away with the connection.
      if (!request.complete && !response.headersSent) response.setHeader('connection', 'close');
      sendError(exchange, error);
    } finally {
      clearTimeout(timer);
    }
  }

  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 5 * SECOND_MS, headersTimeout: 5 * SECOND_MS },
    (request, response) => void handle(exchangeOf(request, response, clock)),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 30 * SECOND_MS;
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  logger.info({ port: address.port }, 'serving HTTP');
  return {
    port: address.port,
    handle({ path, methods }, handler) {
      if (routes.has(path)) throw new Error(`Two handlers stand for ${path}.`);
      routes.set(path, { methods, handler });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function exchangeOf(request: IncomingMessage, response: ServerResponse, clock: Clock): Exchange {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : newId(clock.nowMs());
  request.headers['x-request-id'] = requestId;
  const device = deviceOfHeaders((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  });
  return { request, response, path, query: new URLSearchParams(query), requestId, device };
}

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { OxoError, unavailable } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { extractTrace, SpanKind, withRequestId, withSpan, withTraceContext } from '#kit/observability/trace.ts';
import { type Device, deviceOfRequest } from '../origin/device.ts';
import { sendError } from './answers.ts';
import { createHttpRecorder } from './recorder.ts';

/** The largest body that anybody may send; the front door lets no larger one through. */
const MAX_BODY_BYTES = 64 * 1024;
/** Shorter than the front door waits, so that the answer is ours. */
const REQUEST_LIMIT_MS = 9 * SECOND_MS;
/** The headers that the front door lets through, and what it adds. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 512;
const MAX_AT_ONCE = 128;

/** A request and its answer, with what every handler needs to know. */
export interface HttpExchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** Well formed; also in the header x-request-id, where what came was not. */
  requestId: string;
  device: Device;
}

export type HttpHandler = (exchange: HttpExchange) => Promise<void> | void;

/** A path that ends with a slash stands for all that have one more part, `/oauth/authorize/` for `/oauth/authorize/…`. */
export interface HttpRoute {
  path: string;
  methods: readonly string[];
  /** Routes of one lane share the places of requests that are worked on at once, so that no flood of one keeps others out. */
  lane: string;
}

/** What auth serves by HTTP: its public keys, OAuth, the pages. What no handler stands for is not found. */
export interface HttpServer {
  port: number;
  /** @throws Error when the path has a handler */
  handle(route: HttpRoute, handler: HttpHandler): void;
  /** What answers to people where nothing is; programs get the one error. */
  handleMissing(handler: HttpHandler): void;
  close(): Promise<void>;
}

export interface HttpServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  logger: Logger;
  metrics: Metrics;
  clock: Clock;
  /** Requests of one lane that are worked on at once; more are refused with 503. */
  maxAtOnce?: number;
  /** How long a handler may take before the answer is 504. */
  limitMs?: number;
}

/** Starts the one HTTP server of auth. Sizes, times and numbers are bounded, and every error has the one shape. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, logger, clock, maxAtOnce = MAX_AT_ONCE, limitMs = REQUEST_LIMIT_MS } = options;
  const routes = new Map<string, HttpRoute & { handler: HttpHandler }>();
  let missing: HttpHandler | undefined;
  /** How many are worked on, by lane. */
  const atOnce = new Map<string, number>();
  const record = createHttpRecorder(options.metrics);

  /** Undefined when there is no such path, or it has no such method. */
  function routeOf({ path, request }: HttpExchange) {
    if (path.endsWith('/')) return undefined;
    const route = routes.get(path) ?? routes.get(path.slice(0, path.lastIndexOf('/') + 1));
    return route?.methods.includes(request.method ?? '') ? route : undefined;
  }

  async function answer(exchange: HttpExchange, route: ReturnType<typeof routeOf>): Promise<void> {
    if (route === undefined) {
      if (missing !== undefined && takesPages(exchange)) return missing(exchange);
      throw new OxoError('ROUTE_NOT_FOUND', 'There is no such path.');
    }
    if (Number(exchange.request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
      throw new OxoError('BODY_TOO_LARGE', 'The body is larger than 64 KiB.');
    }
    const { lane, handler } = route;
    const before = atOnce.get(lane) ?? 0;
    if (before >= maxAtOnce) throw unavailable('Too much is asked at once. Try again in a moment.');
    atOnce.set(lane, before + 1);
    try {
      await handler(exchange);
    } finally {
      atOnce.set(lane, (atOnce.get(lane) ?? 1) - 1);
    }
  }

  async function handle(exchange: HttpExchange): Promise<void> {
    const { request, response, requestId } = exchange;
    const route = routeOf(exchange);
    const [name, startedMs] = [route?.path ?? '', performance.now()];
    response.once('close', () => record(name, response.statusCode, (performance.now() - startedMs) / SECOND_MS));
    const tooLate = new OxoError('DEADLINE_EXCEEDED', 'It took too long.');
    const timer = setTimeout(() => sendError(exchange, tooLate), limitMs);
    try {
      const { method = '' } = request;
      const attributes = { 'http.route': name, 'http.request.method': method, 'oxo.request_id': requestId };
      await withSpan(`${method} ${name}`.trimEnd(), SpanKind.SERVER, attributes, async (span) => {
        await answer(exchange, route);
        span.setAttribute('http.response.status_code', response.statusCode);
      });
    } catch (error) {
      if (!(error instanceof OxoError) || error.reason === 'INTERNAL') {
        logger.error({ err: error, requestId, method: request.method, path: name }, 'request failed');
      }
      // What nobody has read of a body is thrown away with the connection.
      if (!request.complete && !response.headersSent) response.setHeader('connection', 'close');
      sendError(exchange, error);
    } finally {
      clearTimeout(timer);
    }
  }

  const server = await listen({ host, port }, (request, response) => {
    const exchange = exchangeOf(request, response, clock);
    const { traceparent } = request.headers;
    const parent = extractTrace(typeof traceparent === 'string' ? { traceparent } : {});
    void withTraceContext(withRequestId(parent, exchange.requestId), () => handle(exchange));
  });
  const address = server.address() as AddressInfo;
  logger.info({ port: address.port }, 'serving HTTP');
  return {
    port: address.port,
    handle(route, handler) {
      if (routes.has(route.path)) throw new Error(`Two handlers stand for ${route.path}.`);
      routes.set(route.path, { ...route, handler });
    },
    handleMissing(handler) {
      missing = handler;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** Browsers say so, and nobody else. */
function takesPages({ request }: HttpExchange): boolean {
  return request.headers.accept?.includes('text/html') ?? false;
}

/** A server whose sizes, times and connections are bounded, which listens when this is done. */
async function listen({ host, port }: { host: string; port: number }, listener: RequestListener): Promise<Server> {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 5 * SECOND_MS, headersTimeout: 5 * SECOND_MS },
    listener,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 30 * SECOND_MS;
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

function exchangeOf(request: IncomingMessage, response: ServerResponse, clock: Clock): HttpExchange {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : newId(clock.nowMs());
  request.headers['x-request-id'] = requestId;
  const device = deviceOfRequest(request);
  return { request, response, path, query: new URLSearchParams(query), requestId, device };
}

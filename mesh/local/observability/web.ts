import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../cli/cli-error.ts';
import { loopback } from '../ports.ts';
import { type Answer, asJson, badRequest, html, notFound, plain, text } from './answers.ts';
import { readNatsMetrics } from './nats/metrics.ts';
import { dashboardIndex, dashboardPage } from './pages/dashboards.ts';
import { style } from './pages/layout.ts';
import { tracesPage } from './pages/traces.ts';
import { waterfallPage } from './pages/waterfall.ts';
import { decodeExport } from './traces/otlp.ts';
import { findTraces, searchTraces, type TraceQuery } from './traces/search.ts';
import type { TraceStore } from './traces/store.ts';
import { summarise } from './traces/tree.ts';

export type TelemetryOptions = {
  readonly store: TraceStore;
  /** 0 takes a free one. */
  readonly port: number;
  readonly prometheusUrl: string;
  readonly natsMonitorUrl: string | undefined;
  readonly nowMs: () => number;
};

const maxConnections = 64;
const maxBodyBytes = 4 * 1024 * 1024;
/** While so many exports are being read, more are told to come again. */
const maxExportsAtOnce = 8;
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;

/**
 * `POST /v1/traces` takes spans (OTLP over HTTP); the rest is to be read: `/` and `/dashboards` by people, `/api/traces` by `./oxo trace`,
 * `/nats/metrics` by Prometheus. Only whoever asks for this machine by its own name is answered, as a page from elsewhere may have its name lead
 * here; and no page can send spans, since a browser would have to ask first. Resolves when it listens.
 */
export async function serveTelemetry(options: TelemetryOptions): Promise<{ url: string; close: () => Promise<void> }> {
  let exports = 0;
  const respond = async (request: IncomingMessage): Promise<Answer> => {
    const url = new URL(request.url ?? '/', `http://${loopback}`);
    if (url.pathname === '/livez') return plain(200, 'ok\n');
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ''))
      return plain(421, 'this is for 127.0.0.1 and localhost\n');
    if (url.pathname === '/v1/traces') {
      if (request.method !== 'POST') return plain(405, 'spans are sent by POST\n');
      if (exports >= maxExportsAtOnce) return plain(503, 'too many exports at once\n', { 'retry-after': '1' });
      exports += 1;
      return await take(options.store, request).finally(() => {
        exports -= 1;
      });
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'this can only be read\n');
    return await show(options, url);
  };
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: requestTimeoutMs }, (request, response) => {
    respond(request).then(
      (answer) => send(response, answer),
      (error) => send(response, plain(500, `that went wrong: ${messageOf(error)}\n`)),
    );
  });
  server.headersTimeout = headersTimeoutMs;
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, loopback, resolve);
  });
  return {
    url: `http://${loopback}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Takes an export in. What is too large or none is refused, and nothing of it is kept. */
async function take(store: TraceStore, request: IncomingMessage): Promise<Answer> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim();
  const isJson = type === 'application/json';
  if ((!isJson && type !== 'application/x-protobuf') || request.headers['content-encoding'] !== undefined)
    return plain(415, 'application/json or application/x-protobuf, not compressed\n');
  const body = await readBody(request);
  if (body === undefined) return plain(413, `more than ${maxBodyBytes} bytes\n`, { connection: 'close' });
  try {
    store.add(decodeExport(body, isJson));
  } catch (error) {
    return plain(400, `this is no export of spans: ${messageOf(error).slice(0, 500)}\n`);
  }
  return { type: isJson ? 'application/json' : 'application/x-protobuf', body: isJson ? '{}' : '' };
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

async function show(options: TelemetryOptions, { pathname, searchParams }: URL): Promise<Answer> {
  const { store, prometheusUrl, natsMonitorUrl, nowMs } = options;
  if (pathname === '/style.css') return { type: 'text/css; charset=utf-8', body: style };
  if (pathname === '/nats/metrics') return await natsMetrics(natsMonitorUrl);
  if (pathname === '/' || pathname === '/api/traces') {
    const query = readQuery(searchParams);
    if (typeof query === 'string') return badRequest(query);
    const found = searchTraces(store, query);
    return pathname === '/' ? html(tracesPage(found, query)) : asJson({ traces: found });
  }
  if (pathname === '/dashboards') return html(dashboardIndex());
  const [, dashboard] = /^\/dashboards\/([\w-]{1,100})$/.exec(pathname) ?? [];
  if (dashboard !== undefined) {
    const page = await dashboardPage(dashboard, { prometheusUrl, nowMs: nowMs(), parameters: searchParams });
    return page === undefined ? notFound : html(page);
  }
  const [, isApi, id] = /^\/(api\/)?traces\/([\w.-]{1,100})$/.exec(pathname) ?? [];
  const [trace, ...others] = id === undefined ? [] : findTraces(store, id);
  if (trace === undefined) return isApi === undefined ? notFound : asJson({ error: 'there is no such trace' }, 404);
  const otherIds = others.map(({ traceId }) => traceId);
  if (isApi === undefined) return html(waterfallPage(trace, otherIds));
  return asJson({ summary: summarise(trace), spans: trace.spans, others: otherIds });
}

async function natsMetrics(monitorUrl: string | undefined): Promise<Answer> {
  if (monitorUrl === undefined) return notFound;
  try {
    return text(200, 'text/plain; version=0.0.4', await readNatsMetrics(monitorUrl));
  } catch (error) {
    // The target counts as down then, which is what there is to tell.
    return plain(503, `NATS gives no answer: ${messageOf(error)}\n`);
  }
}

function readQuery(parameters: URLSearchParams): TraceQuery | string {
  const given = (name: string): string | undefined => parameters.get(name)?.trim().slice(0, 100) || undefined;
  const slow = given('slower');
  const slowerThanMs = slow === undefined ? undefined : Number(slow);
  if (slowerThanMs !== undefined && !(slowerThanMs >= 0)) return 'slower: must be a number of milliseconds';
  const [errors, background] = [given('errors') !== undefined, given('background') !== undefined];
  return { id: given('id'), service: given('service'), errors, background, slowerThanMs };
}

function send(response: ServerResponse, { status = 200, type, policy, headers, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-security-policy': policy ?? "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    ...headers,
  });
  response.end(body);
}

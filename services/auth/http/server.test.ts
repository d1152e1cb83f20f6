import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { serveJwks } from '../keys/jwks.ts';
import { type HttpServer, startHttpServer } from './server.ts';

const keys = { keys: [{ kty: 'RSA', kid: 'one', n: 'AQAB', e: 'AQAB' }] };
const held = Promise.withResolvers<void>();
const metrics = createMetrics();
let log = '';
let server: HttpServer;
let url: string;
before(async () => {
  const destination = {
    write(line: string) {
      log += line;
    },
  };
  const logger = createLogger({ service: 'test', level: 'trace', destination });
  const bounds = { maxAtOnce: 1, limitMs: 100 };
  server = await startHttpServer({ host: '127.0.0.1', port: 0, logger, metrics, clock: systemClock, ...bounds });
  serveJwks(server, () => keys);
  server.handle({ path: '/posted', methods: ['POST'], lane: 'test' }, ({ response }) => void response.end());
  server.handle({ path: '/under/', methods: ['GET'], lane: 'test' }, ({ response, path, query, device }) => {
    response.end(JSON.stringify({ path, q: query.get('q'), ...device }));
  });
  server.handle({ path: '/held', methods: ['GET'], lane: 'test' }, () => held.promise);
  server.handle({ path: '/broken', methods: ['GET'], lane: 'test' }, () => {
    throw new Error('what nobody must read');
  });
  server.handle({ path: '/refused', methods: ['GET'], lane: 'test' }, () => {
    throw new OxoError('RATE_LIMITED', 'Too much.', { retryAfterMs: 1_500 });
  });
  url = `http://127.0.0.1:${server.port}`;
});
after(() => server.close());

async function refused(response: Response, status: number, reason: string) {
  assert.equal(response.status, status);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const body = (await response.json()) as {
    message: string;
    details: { reason: string; domain: string; metadata: { requestId: string } }[];
  };
  assert.deepEqual([body.details[0]?.reason, body.details[0]?.domain], [reason, 'oxo']);
  return { ...body, requestId: body.details[0]?.metadata.requestId };
}

test('the keys may be cached for five minutes', async () => {
  const response = await fetch(`${url}/.well-known/jwks.json`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
  assert.deepEqual(await response.json(), keys);
});

test('anything else is not found, in the one shape', async () => {
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/.well-known/jwks.json/'],
    ['POST', '/.well-known/jwks.json'],
    ['PUT', '/x'],
    ['GET', '/under'],
    ['GET', '/under/'],
    ['GET', '/under/a/b'],
  ] as const) {
    const response = await fetch(url + path, { method, ...(method === 'GET' ? {} : { body: 'a'.repeat(10_000) }) });
    await refused(response, 404, 'ROUTE_NOT_FOUND');
  }
});

test('a handler knows the path, the query and the client as the front door saw it', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'app/1' };
  const response = await fetch(`${url}/under/one?q=a%20b?`, { headers });
  assert.deepEqual(await response.json(), { path: '/under/one', q: 'a b?', userAgent: 'app/1', ip: '203.0.113.7' });
});

test('a body that is too large is refused before anybody reads it', async () => {
  const response = await fetch(`${url}/posted`, { method: 'POST', body: 'a'.repeat(64 * 1024 + 1) });
  await refused(response, 413, 'BODY_TOO_LARGE');
  assert.equal((await fetch(`${url}/posted`, { method: 'POST', body: 'a'.repeat(64 * 1024) })).status, 200);
});

test('an error that is not ours leaves as INTERNAL, with the request id that finds it in the log', async () => {
  const response = await fetch(`${url}/broken`, { headers: { 'x-request-id': 'broken-1' } });
  const { message, requestId } = await refused(response, 500, 'INTERNAL');
  assert.ok(!message.includes('nobody'));
  assert.equal(requestId, 'broken-1');
  const line = log.split('\n').find((each) => each.includes('broken-1')) ?? assert.fail('it is not logged');
  assert.match(line, /what nobody must read/);
  const odd = await refused(await fetch(`${url}/broken`, { headers: { 'x-request-id': 'a b' } }), 500, 'INTERNAL');
  assert.match(odd.requestId ?? '', /^[0-9a-f-]{36}$/);
});

test('an error of ours says when to come again', async () => {
  const response = await fetch(`${url}/refused`);
  assert.equal(response.headers.get('retry-after'), '2');
  await refused(response, 429, 'RATE_LIMITED');
});

test('what takes too long is given up, and as long as it runs others are refused', async () => {
  await refused(await fetch(`${url}/held`), 504, 'DEADLINE_EXCEEDED');
  await refused(await fetch(`${url}/under/one`), 503, 'UNAVAILABLE');
  assert.equal((await fetch(`${url}/.well-known/jwks.json`)).status, 200, 'what others need has places of its own');
  held.resolve();
  assert.equal((await fetch(`${url}/under/one`)).status, 200);
});

test('what is no HTTP is cut off', async () => {
  const socket = connect(server.port, '127.0.0.1', () => socket.write('nonsense\r\n\r\n'));
  await new Promise((resolve) => socket.resume().once('close', resolve));
});

test('requests are counted by their declared path and their status', async () => {
  const text = await metrics.render();
  for (const line of [
    'oxo_http_server_requests_total{route="/under/",status="503"} 1',
    'oxo_http_server_requests_total{route="/held",status="504"} 1',
    'oxo_http_server_requests_total{route="/broken",status="500"} 2',
    'oxo_http_server_duration_seconds_count{route="/refused"} 1',
  ]) {
    assert.ok(text.includes(line), `${line} is not in ${text}`);
  }
  assert.doesNotMatch(text, /under\/one/);
});

test('two handlers for one path are a mistake', () => {
  assert.throws(
    () => server.handle({ path: '/held', methods: ['POST'], lane: 'test' }, () => undefined),
    /Two handlers/,
  );
});

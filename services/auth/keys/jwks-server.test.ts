import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { createLogger } from '#kit/observability/logger.ts';
import { type JwksServer, startJwksServer } from './jwks-server.ts';

const keys = { keys: [{ kty: 'RSA', kid: 'one', n: 'AQAB', e: 'AQAB' }] };
let server: JwksServer;
let url: string;
before(async () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  server = await startJwksServer({ host: '127.0.0.1', port: 0, published: () => keys, logger });
  url = `http://127.0.0.1:${server.port}`;
});
after(() => server.close());

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
  ] as const) {
    const response = await fetch(url + path, { method, ...(method === 'GET' ? {} : { body: 'a'.repeat(100_000) }) });
    assert.equal(response.status, 404);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const body = (await response.json()) as { code: number; details: { reason: string; domain: string }[] };
    assert.equal(body.code, 5);
    assert.deepEqual([body.details[0]?.reason, body.details[0]?.domain], ['ROUTE_NOT_FOUND', 'oxo']);
  }
});

test('what is no HTTP ends the connection', async () => {
  const socket = connect(server.port, '127.0.0.1');
  socket.write('nonsense\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve));
  assert.equal((await fetch(`${url}/.well-known/jwks.json`)).status, 200);
});

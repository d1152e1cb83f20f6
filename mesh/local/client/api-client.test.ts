import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ApiRequest, createApiClient } from './api-client.ts';

type Seen = { method: string; url: string; key: string | undefined; authorization: string | undefined };

/** A front door that gives these answers in turn; `undefined` breaks the connection. */
async function start(context: TestContext, answers: readonly ({ status: number; retryAfter?: string } | undefined)[]) {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const { method = '', url = '', headers } = request;
    const key = headers['idempotency-key'];
    seen.push({ method, url, key: key?.toString(), authorization: headers.authorization });
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    if (answer === undefined) return void request.socket.destroy();
    if (answer.retryAfter !== undefined) response.setHeader('retry-after', answer.retryAfter);
    response.writeHead(answer.status).end(answer.status === 204 ? undefined : '{"seen":"ünïcode"}');
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const frontDoor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const interrupted = new AbortController();
  const client = createApiClient({ frontDoor, connections: 2, firstWaitMs: 1, signal: interrupted.signal });
  context.after(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, seen, interrupted };
}

const get: ApiRequest = { method: 'GET', path: '/feed?pageSize=2', token: 't' };

test('asks below /api/v1 with its token, and reads the answer', async (context) => {
  const { client, seen } = await start(context, [{ status: 200 }]);
  assert.deepEqual(await client.call(get), { status: 200, body: { seen: 'ünïcode' }, attempts: 1 });
  assert.deepEqual(seen, [
    { method: 'GET', url: '/api/v1/feed?pageSize=2', key: undefined, authorization: 'Bearer t' },
  ]);
  assert.deepEqual(client.statistics(), { requests: 1, repeats: 0 });
});

test('repeats what may be repeated after 503, 429 and a broken connection', async (context) => {
  const { client, seen } = await start(context, [{ status: 503 }, undefined, { status: 429 }, { status: 200 }]);
  assert.equal((await client.call(get)).attempts, 4);
  assert.equal(seen.length, 4);
  assert.deepEqual(client.statistics(), { requests: 4, repeats: 3 });
});

test('a POST with a key is repeated with the same key', async (context) => {
  const { client, seen } = await start(context, [undefined, { status: 503 }, { status: 201 }]);
  await client.call({ method: 'POST', path: '/posts', body: {}, idempotencyKey: 'k', expected: [201] });
  assert.deepEqual(
    seen.map(({ key }) => key),
    ['k', 'k', 'k'],
  );
});

test('a POST without a key is repeated only when nothing was done', async (context) => {
  const post: ApiRequest = { method: 'POST', path: '/posts', body: {}, expected: [201] };
  for (const answer of [undefined, { status: 503 }, { status: 504 }, { status: 500 }]) {
    const { client, seen } = await start(context, [answer, { status: 201 }]);
    await assert.rejects(client.call(post));
    assert.equal(seen.length, 1);
  }
  const { client, seen } = await start(context, [{ status: 503, retryAfter: '0' }, { status: 429 }, { status: 201 }]);
  await client.call(post);
  assert.equal(seen.length, 3);
});

test('gives up after eight attempts, and says what was asked and answered', async (context) => {
  const { client, seen } = await start(context, [{ status: 503 }]);
  await assert.rejects(client.call(get), /GET \/api\/v1\/feed\?pageSize=2 answered 503/);
  assert.equal(seen.length, 8);
});

test('an answer that is not expected is an error at once', async (context) => {
  const { client, seen } = await start(context, [{ status: 404 }]);
  await assert.rejects(client.call(get), /answered 404/);
  assert.equal(seen.length, 1);
});

test('an interruption ends the waiting', async (context) => {
  const { client, interrupted } = await start(context, [{ status: 503, retryAfter: '3600' }]);
  const call = client.call(get);
  setImmediate(() => interrupted.abort());
  await assert.rejects(call);
});

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type LoadJob, runLoad } from './closed-loop.ts';
import { startLoadProcess } from './load-process.ts';
import { openRawConnection, parseAnswer, rawRequest, type Target } from './raw-connection.ts';

async function start(context: TestContext, listener: RequestListener): Promise<Target> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

test('sends requests one after the other on one connection, and reads sized, chunked and empty answers', async (context) => {
  const seen: string[] = [];
  const target = await start(context, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${Buffer.concat(chunks)}`);
      if (request.method === 'DELETE') response.writeHead(204).end();
      else if (request.method === 'GET') response.writeHead(200, { 'content-length': 4 }).end('äö');
      else response.writeHead(201).write('a'.repeat(70_000), () => response.end('end'));
    });
  });
  const connection = await openRawConnection(target);
  context.after(connection.close);
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await connection.send(rawRequest(target, method, path, 't', body));
    return [answer.status, answer.body.toString()];
  };
  assert.deepEqual(await send('GET', '/feed'), [200, 'äö']);
  assert.deepEqual(await send('POST', '/posts', { text: 'ü' }), [201, `${'a'.repeat(70_000)}end`]);
  assert.deepEqual(await send('DELETE', '/posts/1'), [204, '']);
  assert.deepEqual(await send('GET', '/feed'), [200, 'äö']);
  assert.equal(seen[1], 'POST /api/v1/posts Bearer t {"text":"ü"}');
});

test('an answer is whole or waited for, however it is cut', () => {
  for (const whole of [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
  ]) {
    for (let end = 0; end < whole.length; end += 1)
      assert.equal(parseAnswer(Buffer.from(whole.slice(0, end))), undefined);
    const parsed = parseAnswer(Buffer.from(whole));
    assert.equal(parsed?.answer.body.toString(), 'hello');
    assert.equal(parsed?.length, whole.length);
  }
  assert.throws(() => parseAnswer(Buffer.from('SMTP ready\r\n\r\n')), /no answer that we understand/);
});

const job = (target: Target): LoadJob => ({
  target,
  connections: 4,
  requests: ['a', 'b', 'c'].map((id) => rawRequest(target, 'GET', `/${id}`, 't')),
  expectedStatus: 200,
  seconds: 30,
  maxRequests: 30,
  inOrder: true,
});

test('the load is counted, and ids of what was created are noted', async (context) => {
  const target = await start(context, (request, response) => {
    response.end(`{"post":{"id":"${request.url?.slice(-1)}","author":{"id":"x"}}}`);
  });
  const result = await runLoad({ ...job(target), collectIds: true });
  assert.deepEqual([result.requests, result.failed, result.created.length], [30, 0, 30]);
  for (const { request, id } of result.created) assert.equal(id, 'abc'[request]);
  assert(result.p50Ms > 0 && result.p50Ms <= result.p99Ms && result.p99Ms <= result.maxMs);
});

test('two kinds of requests share the connections, and are counted apart', async (context) => {
  const target = await start(context, (request, response) => {
    response.writeHead(request.method === 'POST' ? 201 : 200).end('{}');
  });
  const mixedWith = { share: 0.25, requests: [rawRequest(target, 'POST', '/p', 't', {})], expectedStatus: 201 };
  const { requests, failed, mixedWith: posts } = await runLoad({ ...job(target), maxRequests: 400, mixedWith });
  assert.deepEqual([requests, failed], [400, 0]);
  // Nobody is as unlucky as this: ten standard deviations.
  assert(posts.requests > 10 && posts.requests < 190, `${posts.requests} of 400`);
  assert(posts.p50Ms > 0 && posts.p50Ms <= posts.p99Ms);
});

test('the rate is kept', async (context) => {
  const target = await start(context, (_, response) => void response.end('{}'));
  const result = await runLoad({ ...job(target), maxRequests: 41, ratePerSecond: 200 });
  assert(result.seconds >= 0.19, `${result.seconds} s`);
});

test('failures are counted and shown, also those of broken connections', async (context) => {
  const target = await start(context, (request, response) => {
    if (request.url?.endsWith('a')) response.writeHead(503).end('busy');
    else if (request.url?.endsWith('b')) request.socket.destroy();
    else response.end('{}');
  });
  const result = await runLoad({ ...job(target), connections: 1 });
  assert.deepEqual([result.requests, result.failed], [10, 20]);
  assert.equal(result.firstFailure, 'status 503: busy');
});

test('the load process runs several jobs, and refuses to give figures when requests fail', async (context) => {
  let status = 200;
  const target = await start(context, (_, response) => void response.writeHead(status).end('{}'));
  const load = startLoadProcess();
  context.after(load.stop);
  const results = await Promise.all([load.run(job(target)), load.run({ ...job(target), maxRequests: 7 })]);
  assert.deepEqual(
    results.map(({ requests }) => requests),
    [30, 7],
  );
  status = 500;
  await assert.rejects(load.run(job(target)), /30 of 30 requests failed/);
  const unfinished = load.run({ ...job(target), ratePerSecond: 1 });
  load.stop();
  await assert.rejects(unfinished, /the load process ended/);
});

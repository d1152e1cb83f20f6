import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { createLogger } from '#kit/observability/logger.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { type OpsServer, startOpsServer } from '#kit/observability/ops-server.ts';

async function start(t: test.TestContext, host = '127.0.0.1'): Promise<OpsServer> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const server = await startOpsServer({
    host,
    port: 0,
    metrics: createMetrics(),
    logger,
    checkTimeoutMs: 50,
  });
  t.after(server.close);
  return server;
}

async function readiness(server: OpsServer): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${server.url}/readyz`);
  return { status: response.status, body: await response.json() };
}

test('is ready between start and drain, when its checks pass', async (t) => {
  const server = await start(t);
  server.addCheck('database', async () => undefined);
  assert.deepEqual(await readiness(server), { status: 503, body: { ready: false, state: 'starting', failing: {} } });
  server.setState('ready');
  assert.deepEqual(await readiness(server), { status: 200, body: { ready: true, state: 'ready', failing: {} } });
  server.setState('draining');
  assert.equal((await readiness(server)).status, 503);
  assert.equal((await fetch(`${server.url}/livez`)).status, 200);
});

test('names the checks that fail or do not answer', async (t) => {
  const server = await start(t);
  server.setState('ready');
  server.addCheck('good', async () => undefined);
  server.addCheck('broken', async () => {
    throw new Error('connection refused');
  });
  server.addCheck('thrown', () => {
    throw new Error('at once');
  });
  server.addCheck('hanging', () => new Promise(() => undefined));
  assert.deepEqual(await readiness(server), {
    status: 503,
    body: {
      ready: false,
      state: 'ready',
      failing: { broken: 'connection refused', thrown: 'at once', hanging: 'no answer within 50 ms' },
    },
  });
});

test('probes at the same time share one run of the checks', async (t) => {
  const server = await start(t);
  let runs = 0;
  server.addCheck('counted', async () => {
    runs += 1;
    await new Promise((resolve) => setTimeout(resolve, 30));
  });
  await Promise.all(Array.from({ length: 10 }, () => readiness(server)));
  assert.ok(runs < 10, `${runs} runs`);
});

test('tells at each scrape what the process depends on can be used', async (t) => {
  const server = await start(t);
  let isThere = true;
  server.addCheck('redis', async () => {
    if (!isThere) throw new Error('away');
  });
  server.addCheck('nats', () => new Promise(() => undefined));
  const scrape = async () => (await (await fetch(`${server.url}/metrics`)).text()).match(/^oxo_dependency_up.*$/gm);
  assert.deepEqual(await scrape(), [
    'oxo_dependency_up{dependency="redis"} 1',
    // No answer is an answer.
    'oxo_dependency_up{dependency="nats"} 0',
  ]);
  isThere = false;
  assert.equal((await scrape())?.[0], 'oxo_dependency_up{dependency="redis"} 0');
});

test('answers GET only, and only what it knows', async (t) => {
  const server = await start(t);
  assert.equal((await fetch(`${server.url}/livez`, { method: 'POST', body: 'x' })).status, 405);
  assert.equal((await fetch(`${server.url}/other`)).status, 404);
  const metrics = await fetch(`${server.url}/metrics`);
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/);
  assert.match(await metrics.text(), /oxo_rpc_server_requests_total/);
  const long = await fetch(`${server.url}/livez`, { headers: { 'x-long': 'x'.repeat(10_000) } });
  assert.equal(long.status, 431);
});

test('on loopback it answers who asks for this machine; elsewhere, whoever asks', async (t) => {
  const statusOf = (url: string, host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request(`${url}/livez`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once('error', reject).end();
    });
  const local = await start(t);
  const { port } = new URL(local.url);
  for (const host of [`127.0.0.1:${port}`, '127.0.0.1', `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`])
    assert.equal(await statusOf(local.url, host), 200, host);
  for (const host of ['elsewhere.example', `elsewhere.example:${port}`, '127.0.0.1.example', 'localhost.example:80'])
    assert.equal(await statusOf(local.url, host), 421, host);
  const open = await start(t, '0.0.0.0');
  assert.equal(await statusOf(`http://127.0.0.1:${new URL(open.url).port}`, '10.1.2.3:9090'), 200);
});

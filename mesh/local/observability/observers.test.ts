import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { findFreePortBase, loopback, serverPorts } from '../ports.ts';
import { planStack, type StackPlan } from '../stack/plan.ts';
import { type SupervisedProcess, supervise } from '../supervisor/process.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { observerSpec } from './observers.ts';
import { ensureObservers, type ObserverName } from './programs.ts';
import { fetchPrometheus, queryAt } from './prometheus-client.ts';
import type { ScrapeTarget } from './prometheus-config.ts';
import { targetsOf } from './targets.ts';

/** @param also asked by Prometheus too */
async function start(
  t: TestContext,
  name: ObserverName,
  also: readonly ScrapeTarget[] = [],
): Promise<StackPlan & { observer: SupervisedProcess }> {
  const plan = planStack({ stateDir: temporaryFolder(), portBase: await findFreePortBase(), observability: true });
  const program = (await ensureObservers(plan.cacheDir, [name]))[name];
  if (typeof program !== 'object') throw new Error(program);
  const observer = supervise(observerSpec(plan, name, program, [...targetsOf(plan, [name], false), ...also]));
  t.after(observer.stop);
  await observer.ready();
  return { ...plan, observer };
}

/** What whoever connects says first. */
async function listen(t: TestContext, port = 0): Promise<{ port: number; heard: () => string }> {
  let heard = '';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      heard += data.toString();
      // Whatever is asked: it may go on, to what would come next.
      socket.write('+OK\r\n');
    });
  });
  server.listen(port, loopback);
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, heard: () => heard };
}

test('the exporter of Redis shows its password to both of ours, and to nobody whom a caller names', async (t) => {
  const { portBase, secrets } = await start(t, 'redis-exporter');
  const ports = serverPorts(portBase);
  const scrape = async (target: string) => {
    const url = `http://${loopback}:${ports.redisExporter}/scrape?target=${encodeURIComponent(target)}`;
    await (await fetch(url)).text();
  };
  const stranger = await listen(t);
  const own = [await listen(t, ports.redis), await listen(t, ports.limitsRedis)];
  for (const { port } of own) await scrape(`redis://${loopback}:${port}`);
  for (const { heard } of own)
    await until('it signs in', () => heard().includes(`oxo_monitoring\r\n$48\r\n${secrets.redisMonitoring}`));
  const at = `${loopback}:${stranger.port}`;
  const named = [at, `redis://${at}`, `redis://oxo_monitoring@${at}`, `redis://oxo_monitoring:@${at}`];
  const tricks = [`${loopback}:${ports.redis}@${at}`, `redis://${at}/#@${loopback}:${ports.redis}`];
  for (const target of [...named, ...tricks, `redis://${at}?${loopback}:${ports.redis}`]) await scrape(target);
  assert.match(stranger.heard(), /INFO|info/, 'it asks');
  for (const secret of [secrets.redisMonitoring, secrets.monitoring]) assert.ok(!stranger.heard().includes(secret));
  assert.ok(
    own.every(({ heard }) => !heard().includes(secrets.monitoring)),
    'that of Postgres is another',
  );
});

test('who asks Prometheus shows a password', async (t) => {
  const { urls } = await start(t, 'prometheus');
  const url = urls.prometheus ?? '';
  assert.equal((await fetchPrometheus(url, '/-/ready', {})).status, 200);
  const { origin, host } = new URL(url);
  for (const other of [origin, `http://oxo:wrong@${host}`]) {
    for (const path of ['/api/v1/query?query=up', '/graph', '/metrics', '/debug/pprof/cmdline', '/-/ready'])
      assert.equal((await fetchPrometheus(other, path, {})).status, 401, path);
  }
});

test('a query that wants gigabytes ends Prometheus at its bound, and it comes back', async (t) => {
  const metrics = Array.from({ length: 2_000 }, (_, index) => `many{index="${index}"} 1\n`).join('');
  const server = createHttpServer((_, response) => response.end(metrics)).listen(0, loopback);
  await once(server, 'listening');
  t.after(() => server.close());
  const address = `${loopback}:${(server.address() as AddressInfo).port}`;
  const { urls, observer } = await start(t, 'prometheus', [{ job: 'many', instance: 'many', address }]);
  const url = urls.prometheus ?? '';
  const ask = (query: string) => queryAt(url, query, Date.now() / 1_000);
  await until('there are many', async () => (await ask('sum(count_over_time(many[1h]))'))[0]?.points[0]?.[1] === 4_000);
  // Who goes away ends a query: this one waits.
  const wants = `/api/v1/query?query=${encodeURIComponent('count(count_over_time(many[1d:1s]))')}`;
  await assert.rejects(fetchPrometheus(url, wants, {}));
  await until('it is there again', () => observer.snapshot().restarts === 1 && observer.snapshot().state === 'ready');
  assert.equal((await ask('count(count_over_time(many[1h]))'))[0]?.points[0]?.[1], 2_000);
});

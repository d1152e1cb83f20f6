import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readAlerts } from './alerts.ts';
import { readLongRates } from './prometheus.ts';

const rpc = 'oxo.feed.v1.FeedService/GetFeed';

/** What is answered to a query of something that goes on. */
function busy(query: string): string {
  if (query.includes('timestamp')) return '1700000000';
  if (query.includes('5"') || query.includes('code=')) return '1.5';
  return query.includes('fanout') ? 'NaN' : '30';
}

/** Answers as Prometheus does; a query by RPC with one. */
async function standIn(t: TestContext, answer = busy): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const query = searchParams.get('query') ?? '';
    const metric = query.includes('by (rpc') ? { rpc } : {};
    const result = [{ metric, value: [1, answer(query)] }];
    const alerts = [{ labels: { alertname: 'A' }, annotations: {}, state: 'firing', activeAt: '2026-11-28T02:00:00Z' }];
    response.end(JSON.stringify({ data: pathname.endsWith('/alerts') ? { alerts } : { result } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('rates of five minutes come from Prometheus, and so do alerts', async (t) => {
  const url = await standIn(t);
  const rates = await readLongRates(url, 5_000);
  assert(rates !== undefined);
  const rate = { perSecond: 30, errorsPerSecond: 1.5, p99Ms: 30 };
  assert.deepEqual(rates.frontDoor, rate);
  assert.deepEqual(rates.rpcs, [{ rpc, ...rate }]);
  assert.deepEqual([rates.fanoutP99Ms, rates.mailsSent, rates.seconds], [undefined, 30, 300]);
  assert.equal(rates.lastFaultAt, '2023-11-14T22:13:20.000Z');
  assert.equal((await readAlerts(url, 5_000))[0]?.name, 'A');
});

test('that nothing was counted says something only when Prometheus has looked for long', async (t) => {
  const quietFor = (seconds: string) =>
    standIn(t, (query) => {
      if (query.includes('min_over_time')) return seconds;
      return query.includes('timestamp') ? 'NaN' : '0';
    });
  assert.equal(await readLongRates(await quietFor('NaN'), 5_000), undefined);
  assert.equal(await readLongRates(await quietFor('30'), 5_000), undefined);
  const rates = await readLongRates(await quietFor('300'), 5_000);
  assert.deepEqual([rates?.frontDoor?.perSecond, rates?.rpcs, rates?.lastFaultAt], [0, [], undefined]);
});

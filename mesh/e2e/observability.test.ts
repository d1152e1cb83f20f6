import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { readDashboards } from '../local/observability/pages/grafana.ts';
import { fetchPrometheus, queryAt, readTargets } from '../local/observability/prometheus-client.ts';
import type { Span } from '../local/observability/traces/span.ts';
import { findFreePortBase, loopback, serverPorts } from '../local/ports.ts';
import { services } from '../local/services.ts';
import { ownCollector } from '../local/settings.ts';
import { findListeners } from '../local/supervisor/listeners.ts';
import { oxo } from '../local/testing/command.ts';
import { exporters } from '../observability/lint/exporters.ts';
import { feedPage, feedTexts, follow, type Person, signUpAll } from './testing/people.ts';
import { startWorld, type World } from './testing/world.ts';
import { requireLinked } from './trace/traces.ts';

/** Envoy makes these counters when it counts for the first time. */
const afterFailures = ['envoy_cluster_ratelimit_failure_mode_allowed', 'envoy_cluster_ratelimit_over_limit'];

const jobs = [
  ...services.map(({ name }) => name),
  'gateway',
  'nats',
  'node',
  'postgres',
  'ratelimit',
  'redis',
  'redis-limits',
];

describe('a stack that is observed', () => {
  let world: World;
  let prometheus: string;
  before(async () => {
    const portBase = await findFreePortBase();
    // Nothing is sampled but what somebody asks for.
    const tracing = { otlpEndpoint: ownCollector(portBase), samplingPercent: 0 };
    world = await startWorld({ portBase, observability: true, tracing, trustTraceparent: true });
    prometheus = world.stack.urls.prometheus ?? '';
  });
  after(() => world.stop());

  it('is asked by Prometheus, every part of it', async () => {
    await until('every target is up', async () => {
      const targets = await readTargets(prometheus);
      const down = targets
        .filter(({ health }) => health !== 'up')
        .map(({ labels, lastError }) => `${labels.job}: ${lastError}`);
      assert.deepEqual(down, []);
      assert.deepEqual(targets.map(({ labels }) => labels.job).sort(), jobs.sort());
      return true;
    });
    const value = async (query: string) => (await queryAt(prometheus, query, Date.now() / 1_000))[0]?.points[0]?.[1];
    for (const query of [
      ...[
        'pg_up',
        'min(redis_up)',
        'count(pg_stat_user_tables_n_dead_tup) > bool 5',
        'pg_stat_checkpointer_timed >= bool 0',
      ],
      ...['count(node_filesystem_avail_bytes) >= bool 1', 'count(jetstream_consumer_num_pending) > bool 2'],
      ...['gnatsd_varz_connections > bool 3', 'count(nodejs_eventloop_lag_p99_seconds) >= bool 4', 'envoy_server_live'],
    ])
      await until(query, async () => (await value(query)) === 1);
  });

  it('shows the trace of a post by its request id, from the front door to the feed, in the terminal and as a page', async () => {
    const { api, stack, stateDir } = world;
    const [author, follower] = (await signUpAll(api, 2)) as [Person, Person];
    await follow(api, follower, author);
    await feedPage(api, follower);
    const requestId = randomUUID();
    const headers = {
      'x-request-id': requestId,
      traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    };
    const body = { text: 'seen' };
    const answer = await api.call({ method: 'POST', path: '/posts', token: author.accessToken, body, headers });
    assert.equal(answer.status, 201);
    await until('it is in the feed', async () => (await feedTexts(api, follower)).length === 1);
    const env = { OXO_STATE_DIR: stateDir };
    await until('all its spans are there', async () => {
      const { code, out, err } = await oxo(['trace', requestId, '--json'], { env });
      assert.equal(code, 0, err);
      const { summary, spans } = JSON.parse(out) as { summary: { traceId: string; errors: number }; spans: Span[] };
      assert.deepEqual([summary.traceId, summary.errors], [headers.traceparent.split('-')[1], 0]);
      return requireLinked(spans);
    });
    const { out } = await oxo(['trace', requestId], { env });
    assert.match(out, /gateway: [\s\S]*post: oxo\.post\.v1\.PostService\/CreatePost[\s\S]*feed: handle post\.created/);
    const page = await (await fetch(`${stack.urls.telemetry}/traces/${requestId}`)).text();
    assert.match(page, /feed<\/b> <span>handle post\.created/);
    const unknown = await oxo(['trace', 'unknown'], { env });
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /there is no trace of unknown\n.*OTEL_TRACES_SAMPLER_ARG=1/s);
  });

  it('keeps what was traced when what keeps it dies, and loses no request', async () => {
    const { stack } = world;
    const list = async () => {
      const answer = await fetch(`${stack.urls.telemetry}/api/traces`);
      return ((await answer.json()) as { traces: object[] }).traces.length;
    };
    const before = await list();
    assert.ok(before >= 1);
    await world.kill('telemetry');
    assert.equal(await list(), before);
    const page = await fetch(`${stack.urls.frontDoor}/api/v1/feed`);
    assert.equal(page.status, 401);
    const said = readFileSync(join(stack.logDir, 'telemetry.log'), 'utf8').trim().split('\n');
    for (const line of said) assert.equal((JSON.parse(line) as { service: string }).service, 'telemetry');
  });

  it('is told by its exporters what is listed of them', async () => {
    const listed = exporters
      .filter(({ place }) => place === undefined)
      .flatMap(({ metrics }) => Object.keys(metrics))
      .filter((name) => name !== 'ALERTS' && !afterFailures.includes(name));
    await until('every listed metric is there', async () => {
      const answer = await fetchPrometheus(prometheus, '/api/v1/label/__name__/values', {});
      const { data } = (await answer.json()) as { data: readonly string[] };
      assert.deepEqual(
        listed.filter((name) => !data.includes(name)),
        [],
      );
      return true;
    });
  });

  // Whether their queries return data asks alerts.test.ts, with people on the stack.
  it('draws each dashboard that a cluster has', async () => {
    for (const { name, panels } of readDashboards()) {
      const answer = await fetch(`${world.stack.urls.telemetry}/dashboards/${name}`);
      const text = await answer.text();
      assert.equal(answer.status, 200, name);
      assert.ok(
        panels.length > 0 && !text.includes('class="failed"'),
        `${name}: ${/class="failed">[^<]*/.exec(text)?.[0]}`,
      );
    }
  });

  it('is observed on this machine alone, and no secret stands on a command line', async () => {
    const ports = serverPorts(Number(new URL(world.stack.urls.frontDoor).port));
    const observed = [
      ports.prometheus,
      ports.telemetry,
      ports.nodeExporter,
      ports.postgresExporter,
      ports.redisExporter,
    ];
    assert.equal(findListeners([...observed, ports.ratelimitMetrics]).size, observed.length + 1);
    for (const port of [...observed, ports.ratelimitMetrics])
      assert.deepEqual(addressesOf(port), [loopback], String(port));
    const { monitoring, redisMonitoring, prometheus: asked, admin } = world.stack.secrets;
    for (const { name, identity } of world.stack.processes()) {
      const line = readFileSync(`/proc/${identity?.pid}/cmdline`, 'utf8');
      for (const secret of [monitoring, redisMonitoring, asked, ...Object.values(admin)])
        assert.ok(!line.includes(secret), name);
    }
  });
});

/** Where something listens on this port, by the kernel's tables. */
function addressesOf(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => local.endsWith(`:${hex}`) && state === '0A')
      .map(([, local = '']) => (local.startsWith('0100007F') ? loopback : local)),
  );
}

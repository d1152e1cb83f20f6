import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, startAtZero } from '#kit/observability/metrics.ts';

test('counts and times RPCs', async () => {
  const metrics = createMetrics();
  const recorder = metrics.rpcServer('oxo.post.v1.PostService/CreatePost');
  recorder.record('OK', 0.003);
  recorder.record('OK', 0.2);
  recorder.record('NOT_FOUND', 0.0005);
  const text = await metrics.render();
  const rpc = 'rpc="oxo.post.v1.PostService/CreatePost"';
  assert.ok(text.includes(`oxo_rpc_server_requests_total{${rpc},code="OK"} 2`));
  assert.ok(text.includes(`oxo_rpc_server_requests_total{${rpc},code="NOT_FOUND"} 1`));
  assert.ok(text.includes(`oxo_rpc_server_duration_seconds_bucket{le="0.005",${rpc}} 2`));
  assert.ok(text.includes(`oxo_rpc_server_duration_seconds_count{${rpc}} 3`));
});

test('counts refusals by reason, each once it was met', async () => {
  const metrics = createMetrics();
  const recorder = metrics.rpcServer('oxo.post.v1.PostService/CreatePost');
  recorder.record('OK', 0.003);
  recorder.record('NOT_FOUND', 0.001, 'POST_NOT_FOUND');
  recorder.record('NOT_FOUND', 0.001, 'POST_NOT_FOUND');
  recorder.record('UNKNOWN', 0.001, 'OTHER');
  const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('oxo_rpc_refusals_total{'));
  const rpc = 'rpc="oxo.post.v1.PostService/CreatePost"';
  assert.deepEqual(lines, [
    `oxo_rpc_refusals_total{${rpc},reason="POST_NOT_FOUND"} 2`,
    `oxo_rpc_refusals_total{${rpc},reason="OTHER"} 1`,
  ]);
});

test('a series may be there with 0 before anything happens', async () => {
  const metrics = createMetrics();
  const failures = metrics.counter({ name: 'oxo_failures_total', help: 'Failures.', labelNames: ['kind'] });
  startAtZero(failures, { kind: 'a' }, { kind: 'b' });
  failures.inc({ kind: 'b' });
  const text = await metrics.render();
  assert.match(text, /oxo_failures_total\{kind="a"\} 0\n/);
  assert.match(text, /oxo_failures_total\{kind="b"\} 1\n/);
});

test('gives the same metric for the same name', () => {
  const metrics = createMetrics();
  const configuration = { name: 'oxo_things_total', help: 'Things.' };
  assert.equal(metrics.counter(configuration), metrics.counter(configuration));
});

test('asks for values at each scrape; one that cannot be had spoils nothing', async () => {
  const metrics = createMetrics({ processMetrics: true });
  const gauge = metrics.gauge({ name: 'oxo_outbox_age_seconds', help: 'Age.' });
  metrics.onCollect(async () => gauge.set(7));
  metrics.onCollect(async () => {
    throw new Error('away');
  });
  metrics.onCollect(() => {
    throw new Error('at once');
  });
  const text = await metrics.render();
  assert.match(text, /oxo_outbox_age_seconds 7/);
  assert.match(text, /process_resident_memory_bytes \d/);
});

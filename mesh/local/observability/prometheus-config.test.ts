import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { promtool } from '../../observability/testing/promtool.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { renderPrometheusConfig } from './prometheus-config.ts';
import { ruleFiles } from './targets.ts';

const targets = [
  { job: 'feed', instance: 'feed', address: '127.0.0.1:9033' },
  { job: 'feed', instance: 'feed-2', address: '127.0.0.1:9053' },
  {
    job: 'redis',
    instance: 'redis',
    address: '127.0.0.1:9039',
    path: '/scrape',
    params: { target: 'redis://127.0.0.1:9003' },
  },
];

test('promtool takes the configuration, with the rules that a cluster has', async () => {
  const path = join(temporaryFolder(), 'prometheus.yaml');
  writeFileSync(path, renderPrometheusConfig(targets, ruleFiles()));
  const { ok, text } = await promtool('check', 'config', path);
  assert.ok(ok && text.includes('is valid prometheus config file syntax'), text);
  assert.equal(text.match(/SUCCESS: .* rules found/g)?.length ?? 0, ruleFiles().length);
});

test('a job is the service, an instance the process', () => {
  const { scrape_configs: jobs } = parse(renderPrometheusConfig(targets));
  assert.deepEqual(
    jobs.map(({ job_name }: { job_name: string }) => job_name),
    ['feed', 'redis'],
  );
  assert.deepEqual(jobs[0].static_configs, [
    { targets: ['127.0.0.1:9033'], labels: { instance: 'feed' } },
    { targets: ['127.0.0.1:9053'], labels: { instance: 'feed-2' } },
  ]);
  assert.deepEqual([jobs[1].metrics_path, jobs[1].params], ['/scrape', { target: ['redis://127.0.0.1:9003'] }]);
});

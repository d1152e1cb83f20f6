import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboardQueries } from '../dashboards/dashboards.ts';
import { alertsOf, readRuleFiles, recordingsOf } from '../rules/read.ts';
import { boundsOfOneVersion } from './bounds.ts';

const files = readRuleFiles();

test('bounds of buckets are found by Prometheus 2 and by Prometheus 3', () => {
  const asked = [...recordingsOf(files), ...alertsOf(files), ...dashboardQueries()];
  for (const { expr } of asked) assert.deepEqual(boundsOfOneVersion(expr), []);
  assert.ok(asked.some(({ expr }) => expr.includes('le=~"5([.]0)?"')));
});

test('one that only one of them finds is told', () => {
  for (const matcher of ['le="5"', 'le="5.0"', 'le!="500"', 'le=~"5|10"', 'le=~"5.*"'])
    assert.deepEqual(boundsOfOneVersion(`sum(rate(a_bucket{job="b",${matcher}}[5m]))`), [matcher]);
  for (const matcher of ['le="0.25"', 'le="2.5"', 'le="+Inf"', 'le=~"500([.]0)?"', 'title="5"'])
    assert.deepEqual(boundsOfOneVersion(`a_bucket{${matcher}}`), []);
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { alertsOf, type RuleFile, readRuleFiles, recordingsOf } from '../../observability/rules/read.ts';
import { promtool } from '../../observability/testing/promtool.ts';
import { shortenRules } from './shorten.ts';

const alert = (name: string, expr: string, holdsFor?: string): RuleFile => ({
  name: 'a.yaml',
  groups: [
    {
      name: 'a',
      rules: [
        {
          ...{ alert: name, expr, ...(holdsFor === undefined ? {} : { for: holdsFor }) },
          labels: { severity: 'page' },
          annotations: { summary: 's', description: 'd', runbook: 'r' },
        },
      ],
    },
  ],
});
const shortened = (name: string, expr: string, holdsFor?: string) =>
  alertsOf(shortenRules([alert(name, expr, holdsFor)]))[0];

test('minutes become seconds, within what scrapes allow and what a test waits for', () => {
  for (const [range, short] of [
    ['30s', '8s'],
    ['5m', '8s'],
    ['10m', '10s'],
    ['15m', '15s'],
    ['1h', '20s'],
    ['3d', '20s'],
  ])
    assert.equal(
      shortened('A', `rate(a[${range}]) / rate(b[${range}]) > 1`)?.expr,
      `rate(a[${short}]) / rate(b[${short}]) > 1`,
    );
  for (const [holdsFor, short] of [
    ['10s', '2s'],
    ['1m', '2s'],
    ['2m', '4s'],
    ['1h', '6s'],
  ])
    assert.equal(shortened('A', 'a > 1', holdsFor)?.for, short);
  assert.equal(shortened('A', 'a > 1')?.for, undefined);
});

test('brackets of a matcher are none of a range', () => {
  const short = shortened('A', 'rate(a{b=~"c[.].*"}[5m]) > 1');
  assert.equal(short?.expr, 'rate(a{b=~"c[.].*"}[8s]) > 1');
});

test('a window is shortened also where its evaluations are counted', () => {
  assert.equal(shortened('A', 'count_over_time(vector(1)[1h:]) > 1')?.expr, 'count_over_time(vector(1)[20s:]) > 1');
});

test('times that are written as numbers are lowered where they stand, and only there', () => {
  assert.equal(
    shortened('OutboxStuck', 'max(a) > 60 and b > 600 and c > 60.5')?.expr,
    'max(a) > 4 and b > 600 and c > 60.5',
  );
  assert.equal(shortened('SigningKeyOld', 'a > 60')?.expr, 'a > 60');
  assert.throws(() => shortened('OutboxStuck', 'max(a) > 61'), /OutboxStuck does not say "> 60" any more/);
});

test('what is not known here is an error, and not left as it is', () => {
  assert.throws(() => shortened('A', 'rate(a[5m:1m])'), /"5m:1m" is no duration/);
  assert.throws(() => shortened('A', 'a', '1h30m'), /"1h30m" is no duration/);
  assert.throws(() => shortened('A', 'a offset 5m'), /only ranges are shortened/);
});

test('the rules of production keep all else, and are still what Prometheus takes', async () => {
  const files = readRuleFiles();
  const short = shortenRules(files);
  const whatStays = (all: readonly RuleFile[]) => [
    ...recordingsOf(all).map(({ record, labels }) => ({ record, labels })),
    ...alertsOf(all).map(({ alert: name, labels, annotations }) => ({ name, labels, annotations })),
  ];
  assert.deepEqual(whatStays(short), whatStays(files));
  const folder = temporaryFolder();
  const paths = short.map(({ name, groups }) => {
    const path = join(folder, name);
    writeFileSync(path, stringify({ groups }));
    return path;
  });
  const said = await promtool('check', 'rules', ...paths);
  assert.ok(said.ok, said.text);
});

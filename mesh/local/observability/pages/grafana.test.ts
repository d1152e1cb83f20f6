import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../testing/temporary.ts';
import { chart } from './chart.ts';
import { isBad, legendOf, readDashboard, readDashboards, valuesOf, withValues } from './grafana.ts';
import { formatValue } from './units.ts';

const step = { stepSeconds: 10, rangeSeconds: 900 };

function folderWith(dashboard: object): string {
  const folder = join(temporaryFolder(), 'dashboards');
  mkdirSync(folder);
  writeFileSync(join(folder, 'one.json'), JSON.stringify({ title: 'One', ...dashboard }));
  writeFileSync(join(folder, 'broken.json'), '{');
  writeFileSync(join(folder, 'one.ts'), '');
  return folder;
}

test('a dashboard is read with the panels of its rows; one that can not be read is left out', () => {
  const panel = { title: 'p', type: 'timeseries', targets: [{ expr: 'up' }], gridPos: { w: 8, h: 8, x: 0, y: 0 } };
  const folder = folderWith({ panels: [{ title: 'row', type: 'row', panels: [panel] }, panel] });
  assert.deepEqual(
    readDashboards(folder).map(({ name, panels }) => [name, panels.map(({ title }) => title)]),
    [['one', ['row', 'p', 'p']]],
  );
  for (const name of ['two', 'broken', '../one', '']) assert.equal(readDashboard(name, folder), undefined, name);
});

test('variables are replaced by what is asked for, else by what they are, and by nothing that could be a query', () => {
  const variables = [
    { name: 'job', type: 'query', current: { value: '$__all' } },
    { name: 'rpc', type: 'custom', current: { value: ['A', 'B'] } },
    { name: 'instance', type: 'custom', allValue: '.+', current: {} },
  ];
  const text = `rate(x{job=~"$job",rpc=~"\${rpc:regex}",i=~"[[instance]]"}[$__rate_interval]) > $unknown`;
  const of = (given: string) => withValues(text, valuesOf({ variables }, new URLSearchParams(given), step));
  assert.equal(of(''), 'rate(x{job=~".*",rpc=~"A|B",i=~".+"}[30s]) > $unknown');
  assert.equal(of('var-job=feed&var-rpc=a"}[1s])+y{z="'), 'rate(x{job=~"feed",rpc=~"A|B",i=~".+"}[30s]) > $unknown');
});

test('a legend has the labels of its series', () => {
  assert.equal(legendOf('{{job}} / {{ rpc }}{{none}}', { job: 'feed', rpc: 'GetFeed' }), 'feed / GetFeed');
  assert.equal(legendOf(undefined, { __name__: 'up', job: 'feed' }), 'up job=feed');
  const alert = { __name__: 'ALERTS', alertname: 'NatsAway', alertstate: 'firing', severity: 'page' };
  assert.equal(legendOf(undefined, alert), 'NatsAway severity=page');
  assert.equal(legendOf('', {}), 'value');
  assert.equal(legendOf('{{reason}}', {}), 'value');
});

test('a chart draws what there is: a line ends where values are missing, and labels are no mark-up', () => {
  const range = { startSeconds: 0, endSeconds: 100, stepSeconds: 10 };
  const points = [
    [0, 1],
    [10, 3],
    [50, Number.NaN],
    [60, 2],
    [70, 4],
  ] as const;
  const drawn = chart([{ label: '<b>', points }], range, 's');
  const [, path = ''] = /<path d="([^"]*)"/.exec(drawn) ?? [];
  assert.deepEqual(path.match(/[ML]/g), ['M', 'L', 'M', 'L']);
  assert.match(drawn, /&#60;b&#62;: 4 s/);
  assert.doesNotMatch(drawn, /<b>|NaN/);
  assert.match(chart([], range, 's'), /no data/);
});

test('a value is bad from the threshold on that is red, or below the one that ends it', () => {
  const panel = (...steps: { color: string; value: number | null }[]) => ({
    ...{ title: '', type: 'stat', targets: [] },
    fieldConfig: { defaults: { thresholds: { steps } } },
  });
  const more = panel({ color: 'green', value: null }, { color: 'orange', value: 1 }, { color: 'red', value: 2 });
  assert.deepEqual(
    [0, 1.5, 2, 3].map((value) => isBad(more, value)),
    [false, false, true, true],
  );
  const less = panel({ color: 'red', value: null }, { color: 'green', value: 0.99 });
  assert.deepEqual(
    [0, 0.99].map((value) => isBad(less, value)),
    [true, false],
  );
  assert.equal(isBad({ title: '', type: 'stat', targets: [] }, 9), false);
});

test('values are said in their units', () => {
  const said = [
    formatValue(0.00042, 's'),
    formatValue(0.25, 's'),
    formatValue(90, 's'),
    formatValue(5_400, 's'),
    formatValue(250, 'ms'),
    formatValue(0.9991, 'percentunit'),
    formatValue(1_536, 'bytes'),
    formatValue(12_345, 'reqps'),
    formatValue(3, 'short'),
    formatValue(Number.NaN, 's'),
    formatValue(0, 'short'),
  ];
  assert.deepEqual(said, [
    '420 µs',
    '250 ms',
    '90 s',
    '90 min',
    '250 ms',
    '99.9 %',
    '1.5 KiB',
    '12.3 k/s',
    '3',
    '–',
    '0',
  ]);
});

/** What a panel shows in red can happen. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { namedIn } from '../lint/promql.ts';
import { metrics } from '../metrics.ts';
import { readRuleFiles, recordingsOf } from '../rules/read.ts';
import { dashboards } from './dashboards.ts';
import { type Chart, chartsOf } from './model.ts';

const recordings = recordingsOf(readRuleFiles());

/** What a quantile of it can be at most: the last bound of the histogram, if it is ours. */
function highestQuantile(expr: string): number {
  const bounds = namedIn(expr).selectors.flatMap(({ metric }) => {
    const recording = recordings.find(({ record }) => record === metric);
    if (recording !== undefined) return highestQuantile(recording.expr);
    return metrics.find(({ name }) => metric === `${name}_bucket`)?.buckets.at(-1) ?? [];
  });
  return Math.min(...bounds, Number.POSITIVE_INFINITY);
}

/** Why a panel's thresholds mean nothing. Values are taken to be 0 or more. */
function uselessIn({ bad, notGood, lessIsWorse = false, unit, queries }: Chart): string[] {
  if (bad === undefined) return notGood === undefined ? [] : ['orange without red'];
  const highest = Math.min(
    ...queries.map(({ expr }) => highestQuantile(expr)),
    unit === 'percentunit' || unit === 'bool_on_off' ? 1 : Number.POSITIVE_INFINITY,
  );
  return [
    ...(lessIsWorse && bad <= 0 ? ['nothing is less than its red'] : []),
    ...(bad > highest ? [`nothing is more than ${highest}, and its red is ${bad}`] : []),
    ...(notGood !== undefined && (lessIsWorse ? notGood <= bad : notGood >= bad) ? ['orange is behind red'] : []),
  ];
}

it('shows no red that cannot be reached', () => {
  for (const dashboard of dashboards) {
    for (const chart of chartsOf(dashboard))
      assert.deepEqual(uselessIn(chart), [], `${dashboard.title}: ${chart.title}`);
  }
});

it('sees a red that cannot be reached', () => {
  const chart: Chart = {
    ...{ kind: 'lines', title: 'x', description: 'x', unit: 's', bad: 30 },
    queries: [{ expr: 'job_rpc:oxo_rpc_server_duration_seconds:p99_rate5m', legend: '{{rpc}}' }],
  };
  assert.deepEqual(uselessIn(chart), ['nothing is more than 5, and its red is 30']);
  assert.deepEqual(uselessIn({ ...chart, bad: 0, notGood: 1, lessIsWorse: true }), ['nothing is less than its red']);
  assert.deepEqual(uselessIn({ ...chart, unit: 'percentunit', bad: 2, queries: [] }), [
    'nothing is more than 1, and its red is 2',
  ]);
  assert.deepEqual(uselessIn({ ...chart, bad: 1, notGood: 2 }), ['orange is behind red']);
});

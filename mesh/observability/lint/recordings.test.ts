import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboardQueries } from '../dashboards/dashboards.ts';
import { alertsOf, readRuleFiles, recordingsOf } from '../rules/read.ts';
import { namedIn } from './promql.ts';

const files = readRuleFiles();

/** Names of those that neither a rule nor a panel asks for. */
function unusedOf(recorded: readonly string[]): string[] {
  const asked = new Set(
    [...recordingsOf(files), ...alertsOf(files), ...dashboardQueries()].flatMap(({ expr }) =>
      namedIn(expr).selectors.map(({ metric }) => metric),
    ),
  );
  return recorded.filter((name) => !asked.has(name));
}

test('what is recorded is asked for; what is not is seen', () => {
  const recorded = recordingsOf(files).map(({ record }) => record);
  assert.deepEqual(unusedOf(recorded), []);
  assert.deepEqual(unusedOf([...recorded, 'job:oxo_feed_reads:rate5m']), ['job:oxo_feed_reads:rate5m']);
});

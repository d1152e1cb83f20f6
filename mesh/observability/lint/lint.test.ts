/** Dashboards, rules and alerts ask for what there is, and say what they show. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { FAILURE_CODES } from '#kit/observability/semantics.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { dashboardQueries, dashboards } from '../dashboards/dashboards.ts';
import { chartsOf } from '../dashboards/model.ts';
import { alertsOf, readRuleFiles, recordingsOf } from '../rules/read.ts';
import { promtool } from '../testing/promtool.ts';
import { exporters } from './exporters.ts';
import { knownMetrics, unknownIn } from './known.ts';
import { namedIn } from './promql.ts';

const files = readRuleFiles();
const recordings = recordingsOf(files);
// Twice: one that is made of another may stand in a file before it.
const known = knownMetrics([...recordings, ...recordings]);

describe('what is asked of Prometheus', () => {
  it('is there, by rules and alerts', () => {
    for (const { record, expr } of recordings) assert.deepEqual(unknownIn(expr, known), [], record);
    for (const { alert, expr, annotations } of alertsOf(files)) {
      const labels = `${annotations.summary} ${annotations.description}`.matchAll(/\$labels\.(\w+)/g);
      const shown = [...labels].map(([, label]) => `{{${label}}}`).join(' ');
      assert.deepEqual(unknownIn(expr, known, shown), [], alert);
    }
  });

  it('is there, by dashboards', () => {
    for (const { title, variables, rows } of dashboards) {
      const charts = chartsOf({ uid: '', title, description: '', variables, rows });
      for (const chart of charts) {
        for (const { expr, legend } of chart.queries) {
          assert.deepEqual(unknownIn(expr, known, legend), [], `${title}: ${chart.title}`);
        }
      }
      for (const { metric, of } of variables) assert.deepEqual(unknownIn(metric, known, `{{${of}}}`), [], title);
    }
  });

  it('is found when it is not: a name, a label, a grouping, a legend', () => {
    assert.deepEqual(unknownIn('rate(oxo_feed_reeds_total[5m])', known), ['no metric oxo_feed_reeds_total']);
    assert.deepEqual(unknownIn('oxo_feed_reads_total{sauce="window"}', known), [
      'oxo_feed_reads_total has no label sauce',
    ]);
    assert.deepEqual(unknownIn('sum by (rpcs) (oxo_rpc_server_requests_total)', known), ['nothing has a label rpcs']);
    assert.deepEqual(unknownIn('up', known, '{{pod}}'), ['nothing has a label pod']);
  });

  it('is what Prometheus takes', async () => {
    const path = join(temporaryFolder(), 'queries.yaml');
    const rules = dashboardQueries().map(({ expr }, index) => ({ record: `query:number:${index}`, expr }));
    writeFileSync(path, stringify({ groups: [{ name: 'queries', rules }] }));
    const said = await promtool('check', 'rules', path);
    assert.ok(said.ok, said.text);
    assert.match(said.text, new RegExp(`${rules.length} rules found`));
  });

  it('calls failed what the services call so', () => {
    const { expr = '' } =
      recordings.find(({ record }) => record === 'job_rpc:oxo_rpc_server_requests_failed:rate5m') ?? {};
    const codes = /code=~"([^"]*)"/.exec(expr)?.[1]?.split('|');
    assert.deepEqual(codes?.sort(), [...FAILURE_CODES].sort());
  });

  it('are the metrics of exporters that are listed, and no others', () => {
    const asked = [
      ...recordings.map(({ expr }) => expr),
      ...alertsOf(files).map(({ expr }) => expr),
      ...dashboardQueries().map(({ expr }) => expr),
    ].flatMap((expr) => namedIn(expr).selectors.map(({ metric }) => metric));
    const listed = exporters.flatMap(({ metrics }) => Object.keys(metrics));
    assert.deepEqual(
      listed.filter((name) => !asked.includes(name)),
      [],
    );
  });
});

describe('a dashboard', () => {
  it('says what each panel shows, and has each name once', () => {
    const uids = dashboards.map(({ uid }) => uid);
    assert.equal(new Set(uids).size, uids.length);
    for (const { title, description, rows } of dashboards) {
      assert.ok(description.length > 20, title);
      for (const row of rows) {
        const titles = row.panels.map((panel) => panel.title);
        assert.equal(new Set(titles).size, titles.length, `${title}: ${row.title}`);
        for (const panel of row.panels) {
          assert.ok(panel.title.length > 1 && panel.description.length > 8, `${title}: ${panel.title}`);
        }
      }
    }
  });
});

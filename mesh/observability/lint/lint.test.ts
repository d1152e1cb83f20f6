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
      const shown = `${annotations.summary} ${annotations.description}`;
      assert.deepEqual(unknownIn(expr, known, shown, 'some'), [], alert);
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
    assert.deepEqual(unknownIn('rate(oxo_feed_reeds_total[5m])', known), [
      'no metric oxo_feed_reeds_total: add it to mesh/observability/metrics.ts, or to lint/exporters.ts there',
    ]);
    assert.deepEqual(unknownIn('rate(oxo_feed_reads_total{sauce="window"}[5m])', known), [
      'oxo_feed_reads_total has no label sauce',
    ]);
    assert.deepEqual(unknownIn('count by (rpcs) (oxo_rpc_server_requests_total)', known), ['nothing has a label rpcs']);
    assert.deepEqual(unknownIn('up', known, '{{pod}}'), ['its result has no label pod']);
  });

  it('is found when the result has lost the label that is told', () => {
    const lost = ['its result has no label instance'];
    assert.deepEqual(unknownIn('sum by (job) (up)', known, '{{instance}}'), lost);
    assert.deepEqual(unknownIn('sum(up) > 0', known, 'of {{ $labels.instance }}', 'some'), lost);
    const optional = '{{ with $labels.instance }} of {{ . }}{{ end }}';
    assert.deepEqual(unknownIn('sum(up) > 0', known, optional, 'some'), lost);
    assert.deepEqual(unknownIn('up > 0', known, optional, 'some'), []);
    assert.deepEqual(unknownIn('max without (instance) (up) unless count(up)', known, '{{instance}}'), lost);
    assert.deepEqual(unknownIn('up * on (job) group_left (version) oxo_build_info', known, '{{version}}'), []);
    assert.deepEqual(unknownIn('up / on (job) oxo_build_info', known, '{{instance}}'), lost);
    assert.deepEqual(unknownIn('absent(up{job="auth"})', known, '{{job}} {{instance}}'), lost);
    const either = 'sum by (job) (up) or vector(0)';
    assert.deepEqual(unknownIn(either, known, '{{job}}'), ['its result has no label job']);
    assert.deepEqual(unknownIn(either, known, '{{job}}', 'some'), []);
  });

  it('is found when a function or a value is for another metric', () => {
    assert.deepEqual(unknownIn('rate(oxo_outbox_waiting[5m])', known), ['oxo_outbox_waiting is a gauge: no rate']);
    assert.deepEqual(unknownIn('sum(oxo_log_lines_total) > 5', known), [
      'oxo_log_lines_total is a counter: only its rate says something',
    ]);
    assert.deepEqual(unknownIn('absent(oxo_log_lines_total)', known), []);
    const buckets = 'rate(oxo_consumer_duration_seconds_bucket[5m])';
    assert.deepEqual(unknownIn(`histogram_quantile(0.9, sum by (job) (${buckets}))`, known), ['a quantile without le']);
    assert.deepEqual(unknownIn('rate(oxo_consumer_duration_seconds_bucket{le="0.3"}[5m])', known), [
      'oxo_consumer_duration_seconds_bucket has no le="0.3"',
    ]);
    assert.deepEqual(unknownIn('rate(oxo_consumer_duration_seconds_bucket{le=~"5([.]0)?|6([.]0)?"}[5m])', known), [
      'oxo_consumer_duration_seconds_bucket has no le="6"',
    ]);
    assert.deepEqual(unknownIn('rate(oxo_auth_sign_ins_total{outcome=~"ok|failed"}[5m])', known), [
      'oxo_auth_sign_ins_total has no outcome="failed"',
    ]);
  });

  it('is read as PromQL binds it, or not at all', () => {
    assert.deepEqual(unknownIn('sum by (job) (up) > 1 or up and up offset 5m', known, '{{instance}}', 'some'), []);
    assert.deepEqual(
      namedIn('a{b="c|}"} + -d[5m:1m]').selectors.map(({ text }) => text),
      ['a{b="c|}"}', 'd'],
    );
    assert.throws(() => namedIn('sum(up'), /cannot read sum\(up/);
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

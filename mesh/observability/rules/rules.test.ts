/** The rules are what Prometheus takes, each alert fires when it should and keeps still when it should, and somebody who is woken finds what to do. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../../local/settings.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { promtool } from '../testing/promtool.ts';
import { coverageOf, ruleTests } from './coverage.ts';
import { alertsOf, readRuleFiles, recordingsOf, rulesFolder } from './read.ts';

const files = readRuleFiles();
const alerts = alertsOf(files);
const severities = new Map(
  [...Map.groupBy(alerts, ({ alert }) => alert)].map(([name, all]) => [
    name,
    all.map(({ labels }) => labels.severity ?? ''),
  ]),
);

/** A copy with a change. */
function changed(name: string, from: string | RegExp, to: string): string {
  const folder = join(temporaryFolder(), 'rules');
  cpSync(rulesFolder, folder, { recursive: true });
  const path = join(folder, name);
  const text = readFileSync(path, 'utf8');
  assert.notEqual(text.replace(from, to), text, 'nothing was planted');
  writeFileSync(path, text.replace(from, to));
  return folder;
}

/** Alerts, with their severity, that no test has seen fire, and those that none has seen keep still. */
function unseen(paths: readonly string[]): string[] {
  const { fired, silent } = coverageOf(paths, severities);
  const all = alerts.map(({ alert, labels }) => `${alert} ${labels.severity}`);
  return [
    ...all.filter((one) => !fired.has(one)).map((one) => `${one}: fires in no test`),
    ...all.filter((one) => !silent.has(one)).map((one) => `${one}: is silent in no test`),
  ];
}

describe('the rules', () => {
  it('are what Prometheus takes; what it does not is seen', async () => {
    const said = await promtool('check', 'rules', ...files.map(({ name }) => join(rulesFolder, name)));
    assert.ok(said.ok, said.text);
    const broken = changed('alerts-events.yaml', 'max by (job)', 'max by job)');
    assert.equal((await promtool('check', 'rules', join(broken, 'alerts-events.yaml'))).ok, false);
  });

  it('pass their unit tests', async () => {
    const said = await promtool('test', 'rules', ...ruleTests());
    assert.ok(said.ok, said.text);
  });

  it('fail them when an alert fires too late, or always', async () => {
    for (const [from, to] of [
      ['oxo_outbox_age_seconds) > 60', 'oxo_outbox_age_seconds) > 6000'],
      ['oxo_outbox_age_seconds) > 60', 'oxo_outbox_age_seconds) >= 0'],
    ] as const) {
      const folder = changed('alerts-events.yaml', from, to);
      const said = await promtool('test', 'rules', join(folder, 'tests/events.test.yaml'));
      assert.match(said.text, /OutboxStuck/);
      assert.equal(said.ok, false);
    }
  });

  it('have each alert fire in one test and keep still in another', () => {
    assert.deepEqual(unseen(ruleTests()), []);
    const fewer = ruleTests().filter((path) => basename(path) !== 'machine.test.yaml');
    assert.deepEqual(
      unseen(fewer).filter((line) => line.startsWith('DiskSlow')),
      ['DiskSlow ticket: fires in no test', 'DiskSlow ticket: is silent in no test'],
    );
  });

  it('record by level:metric:operations, each series in one place', () => {
    const recordings = recordingsOf(files);
    for (const { record } of recordings) assert.match(record, /^[a-z_]+:[a-z_]+:[a-z0-9_]+$/);
    const keys = recordings.map(({ record, labels = {} }) => `${record} ${JSON.stringify(labels)}`);
    assert.equal(new Set(keys).size, keys.length);
  });
});

describe('an alert', () => {
  const folder = join(repositoryRoot, 'mesh/observability/runbooks');

  it('says how urgent it is, what it is, and what to do', () => {
    for (const { alert, labels, annotations } of alerts) {
      assert.match(labels.severity ?? '', /^(page|ticket)$/, alert);
      assert.ok(annotations.summary.length > 10 && annotations.description.length > 20, alert);
      const path = join(repositoryRoot, annotations.runbook);
      assert.ok(annotations.runbook.startsWith('mesh/observability/runbooks/') && existsSync(path), alert);
      assert.match(readFileSync(path, 'utf8'), new RegExp(`^Alerts:.*\`${alert}\``, 'm'), alert);
    }
  });

  it('exists for every runbook, which has all of its parts', () => {
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), 'utf8');
      const named = [...(/^Alerts: (.*)$/m.exec(text)?.[1] ?? '').matchAll(/`(\w+)`/g)].map(([, alert]) => alert);
      const wanted = alerts.filter(({ annotations }) => annotations.runbook.endsWith(`/${name}`));
      assert.deepEqual(named.sort(), [...new Set(wanted.map(({ alert }) => alert))].sort(), name);
      for (const part of ['What it means.', 'What people notice.', 'First.', 'Mend.', 'Escalate']) {
        assert.ok(text.includes(`**${part}**`), `${name}: ${part}`);
      }
      const [block = ''] = /```sh\n[\s\S]*?```/.exec(text) ?? [];
      assert.ok((block.match(/^\.\/oxo /gm) ?? []).length >= 3, `${name}: what to type on one machine`);
      assert.ok((block.match(/^kubectl /gm) ?? []).length >= 3, `${name}: what to type in a cluster`);
    }
  });
});

/** What is written by hand about every service names every service: a new one is watched from its first day. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { durablesOf, services } from '../../local/services.ts';
import { dashboards } from '../dashboards/dashboards.ts';
import { metrics } from '../metrics.ts';
import { alertsOf, readRuleFiles, rulesFolder } from '../rules/read.ts';

const alerts = alertsOf(readRuleFiles());
const idle = readFileSync(join(rulesFolder, 'tests/idle.yaml'), 'utf8');

/** Alerts on the processes of services. */
const ofEach = ['ServiceDown', 'EventLoopBlocked'];

/** Where a service is missing. */
function missingOf(service: string): string[] {
  const isNamed = (expr: string): boolean =>
    [...expr.matchAll(/job=~?"([^"]*)"/g)].some(([, jobs = '']) => jobs.split('|').includes(service));
  const named = ofEach.flatMap((name) =>
    alerts.filter(({ alert, expr }) => alert === name && !isNamed(expr)).map(() => `rules: job=~ of ${name}`),
  );
  const missing = alerts.some(
    ({ alert, expr }) => alert === 'TargetMissing' && expr.includes(`absent(up{job="${service}"})`),
  );
  const dashboard = dashboards.find(({ uid }) => uid === `oxo-service-${service}`);
  return [
    ...named,
    ...(missing ? [] : [`rules: absent(up{job="${service}"}) of TargetMissing`]),
    ...['up', 'oxo_build_info']
      .filter((metric) => !idle.includes(`${metric}{job="${service}",`))
      .map((metric) => `rules/tests/idle.yaml: ${metric} of ${service}`),
    ...(dashboard === undefined ? [`dashboards/dashboards.ts: ${service}`] : []),
    ...(dashboard?.description.startsWith('Add ') ? [dashboard.description] : []),
  ];
}

it('names every service', () => {
  assert.deepEqual(
    services.flatMap(({ name }) => missingOf(name)),
    [],
    'to be added in mesh/observability',
  );
});

it('sees one that is named nowhere', () => {
  assert.deepEqual(missingOf('search'), [
    ...['rules: job=~ of ServiceDown', 'rules: job=~ of ServiceDown', 'rules: job=~ of EventLoopBlocked'],
    'rules: absent(up{job="search"}) of TargetMissing',
    ...['rules/tests/idle.yaml: up of search', 'rules/tests/idle.yaml: oxo_build_info of search'],
    'dashboards/dashboards.ts: search',
  ]);
});

it('says of those with consumers that they tell of them', async () => {
  const withConsumers: string[] = [];
  for (const service of services) if ((await durablesOf(service)).length > 0) withConsumers.push(service.name);
  const told = metrics.find(({ name }) => name === 'oxo_consumer_lag')?.services;
  assert.deepEqual(told, withConsumers, 'withConsumers of mesh/observability/metrics.ts');
});

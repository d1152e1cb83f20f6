/** Problems are called as the alerts are that are about the same, and lead to the same runbooks. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { alertsOf, readRuleFiles } from '../../../../observability/rules/read.ts';
import { repositoryRoot } from '../../../settings.ts';
import { alertNames, runbookOf } from './problem.ts';

test('each problem has an alert of its name, and the runbook of that', () => {
  const alerts = alertsOf(readRuleFiles());
  for (const name of alertNames) {
    const found = alerts.filter(({ alert }) => alert === name);
    assert(found.length > 0, `there is no alert ${name}`);
    for (const { annotations } of found) assert.equal(runbookOf(name), annotations.runbook);
    assert(existsSync(join(repositoryRoot, runbookOf(name) ?? '')), runbookOf(name));
  }
});

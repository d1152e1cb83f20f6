import assert from 'node:assert/strict';
import { test } from 'node:test';
import { services } from '../local/services.ts';
import { metrics } from './metrics.ts';
import { readRuleFiles } from './rules/read.ts';

const known = services.map(({ name }) => name);

test('metrics are named as Prometheus names them, and say what they are in a sentence', () => {
  const names = metrics.map(({ name }) => name);
  assert.deepEqual([...new Set(names)], names, 'each once');
  for (const { name, type, unit, help, labels, services: exporters } of metrics) {
    assert.match(name, /^oxo(_[a-z]+)+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') assert.match(name, /_seconds$/);
    if (unit.startsWith('seconds')) assert.match(name, /_seconds$/);
    assert.match(help, /^[A-Z].*[.]$/, name);
    // Both are added by who scrapes.
    for (const label of Object.keys(labels)) assert.match(label, /^(?!job$|instance$|service$)[a-z]+$/, name);
    assert.ok(exporters.length > 0 && exporters.every((service) => known.includes(service)), name);
  }
});

test('the series of a process stay within a bound that Prometheus does not feel', () => {
  for (const { name, labels } of metrics) {
    const sizes = Object.values(labels).map((label) => ('values' in label ? label.values.length : label.atMost));
    assert.ok(sizes.reduce((product, size) => product * size, 1) <= 5_000, name);
  }
});

/** What a histogram is told as. */
const suffix = /_(bucket|count|sum)$/;

test('rules ask for metrics that there are', () => {
  const names = new Set(metrics.map(({ name }) => name));
  const rules = readRuleFiles().flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
  const recorded = new Set(rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])));
  const asked = rules.flatMap(({ expr }) => [...expr.matchAll(/(?<![\w:])oxo_\w+(?!:)\b/g)].map(([name]) => name));
  assert.ok(asked.length > 0);
  const unknown = asked.filter(
    (name) => !names.has(name) && !names.has(name.replace(suffix, '')) && !recorded.has(name),
  );
  assert.deepEqual([...new Set(unknown)], []);
});

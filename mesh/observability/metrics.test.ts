import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { services } from '../local/services.ts';
import { repositoryRoot } from '../local/settings.ts';
import { type Metric, metrics } from './metrics.ts';

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

/** As many series as one process has of it at most; of a histogram +Inf, the sum and the count as well. */
function mostSeries({ labels, type, buckets }: Metric): number {
  const sizes = Object.values(labels).map((label) => ('values' in label ? label.values.length : label.atMost));
  return sizes.reduce((product, size) => product * size, type === 'histogram' ? buckets.length + 3 : 1);
}

test('the series of a process stay within a bound that Prometheus does not feel', () => {
  for (const metric of metrics) assert.ok(mostSeries(metric) <= 5_000, metric.name);
  for (const service of known) {
    const own = metrics.filter(({ services: exporters }) => exporters.includes(service));
    const sum = own.reduce((all, metric) => all + mostSeries(metric), 0);
    assert.ok(sum <= 20_000, `${service} may tell ${sum} series`);
  }
});

/** Sources of services and of the kit, without their tests. */
function sources(): string[] {
  return ['services', 'mesh/kit'].flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<![.]test)[.]ts$/.test(name) && !name.includes('testing/'))
      .map((name) => readFileSync(join(repositoryRoot, folder, name), 'utf8')),
  );
}

/** Whether it stands there in quotes, or as a template with other words in the middle. */
function says(text: string, sentence: string): boolean {
  const templates = [...text.matchAll(/`([^`]*)`/g)].map(([, template = '']) => template.split(/\$\{[^}]*\}/));
  const made = templates.filter((parts) => parts.length > 1 && parts.join('').length > sentence.length / 2);
  return (
    text.includes(`'${sentence}'`) ||
    made.some((parts) => sentence.startsWith(parts[0] ?? '') && sentence.endsWith(parts.at(-1) ?? ''))
  );
}

test('the table has what the sources make, by name and help; the end-to-end tests compare the rest', () => {
  const made = sources().filter((text) => /'oxo_[a-z_]+'/.test(text) && /\b(counter|gauge|histogram)\b/.test(text));
  const names = made.flatMap((text) => [...text.matchAll(/'(oxo_[a-z_]+)'/g)].map(([, name = '']) => name));
  const wanted = metrics.map(({ name }) => name);
  const missing = [...new Set(names)].filter((name) => !wanted.includes(name));
  assert.deepEqual(missing, [], 'add a row to mesh/observability/metrics.ts');
  const strangers = metrics.filter(
    ({ name, help }) => !made.some((text) => text.includes(`'${name}'`) && says(text, help)),
  );
  assert.deepEqual(
    strangers.map(({ name }) => name),
    [],
    'mesh/observability/metrics.ts says of these what no source does: the name or the help',
  );
});

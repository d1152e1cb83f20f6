/** Which alerts the unit tests of the rules have seen fire, and which they have seen keep still. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { rulesFolder } from './read.ts';

type Expectation = { readonly expr: string; readonly exp_samples: readonly { readonly labels: string }[] };
type TestFile = { readonly tests: readonly { readonly promql_expr_test: readonly Expectation[] }[] };

/** By alert and severity, as `name severity`. */
export type Coverage = { readonly fired: ReadonlySet<string>; readonly silent: ReadonlySet<string> };

/** Paths of the tests. */
export function ruleTests(folder = join(rulesFolder, 'tests')): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => join(folder, name));
}

/** What the tests hold about alerts. One that asks for a name alone speaks of all its severities when nothing fires. */
export function coverageOf(paths: readonly string[], severities: ReadonlyMap<string, readonly string[]>): Coverage {
  const fired = new Set<string>();
  const silent = new Set<string>();
  for (const { expr, exp_samples: samples } of paths.flatMap(expectationsOf)) {
    const name = /alertname="(\w+)"/.exec(expr)?.[1];
    if (name === undefined) continue;
    const seen = samples.flatMap(({ labels }) => /severity="(\w+)"/.exec(labels)?.[1] ?? []);
    for (const severity of seen) fired.add(`${name} ${severity}`);
    for (const severity of severities.get(name) ?? []) {
      if (!seen.includes(severity)) silent.add(`${name} ${severity}`);
    }
  }
  return { fired, silent };
}

function expectationsOf(path: string): Expectation[] {
  const { tests } = parse(readFileSync(path, 'utf8')) as TestFile;
  return tests.flatMap(({ promql_expr_test: expectations }) => expectations);
}

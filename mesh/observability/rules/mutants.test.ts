/** Each part of an alert has a test that fails without it, or when it is always true. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { promtool } from '../testing/promtool.ts';
import { ruleTests } from './coverage.ts';
import { type Mutant, mutantsOf, mutationsOf, neededFor } from './mutants.ts';
import { readRuleFiles } from './read.ts';

type Case = { readonly promql_expr_test: readonly { readonly expr: string }[]; readonly alert_rule_test?: unknown };
type TestFile = { readonly tests: readonly Case[] };

/** What is recorded has no tests of its own: those of an alert that is made of it, in one file. */
const recorded: Readonly<Record<string, readonly [alert: string, file: string]>> = {
  'slo:error_budget_burn:page': ['ApiErrorBudgetBurnFast', 'slo-fast.test.yaml'],
  'slo:error_budget_burn:ticket': ['ApiErrorBudgetBurnSlow', 'slo-slow.test.yaml'],
};

/** Changes that change nothing, or that no series shows, with the reason. */
const alike: Readonly<Record<string, string>> = {
  'CertificateExpires ticket: 1, > 0: >= -Inf': 'a certificate without a turn is not ready, which is a ticket anyway',
  'CertificateExpires page: 1, > 0: >= -Inf': 'a certificate without an end has no turn',
  'CertificateExpires page: 3, > 0: >= -Inf': 'a certificate without a turn has no end',
};

/** Mutants for each run of promtool. */
const atOnce = 10;
/** Values as `0x30` are no numbers. */
const asWritten = { schema: 'failsafe' } as const;
const tests = ruleTests().map((path) => ({ path, file: parse(readFileSync(path, 'utf8'), asWritten) as TestFile }));
const keyOf = ({ rule, change }: Mutant): string => `${rule}: ${change}`;

/** Writes the cases that are about a rule, with what they need of the others. @returns paths of these */
function writeTests({ rule, groups }: Mutant, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const [name, only] = recorded[rule] ?? [rule.replace(/ .*/, '')];
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: neededFor(name, groups) }));
  return tests.flatMap(({ path, file: { tests: all, ...rest } }) => {
    const about = all.flatMap(({ alert_rule_test: _, promql_expr_test: asked, ...one }) => {
      const ofRule = asked.filter(({ expr }) => expr.includes(`alertname="${name}"`));
      return ofRule.length === 0 ? [] : [{ ...one, promql_expr_test: ofRule }];
    });
    if (about.length === 0 || (only !== undefined && basename(path) !== only)) return [];
    const to = join(folder, basename(path));
    writeFileSync(to, stringify({ ...rest, rule_files: ['rules.yaml'], tests: about }, asWritten));
    return [to];
  });
}

/** Those that no test notices. */
async function survivorsOf(mutants: readonly Mutant[]): Promise<Mutant[]> {
  const folder = temporaryFolder();
  const written = mutants.map((mutant, index) => ({ mutant, paths: writeTests(mutant, join(folder, `${index}`)) }));
  const batches = Array.from({ length: Math.ceil(written.length / atOnce) }, (_, batch) =>
    written.slice(batch * atOnce, (batch + 1) * atOnce).flatMap(({ paths }) => paths),
  );
  const said: string[] = [];
  const work = async (): Promise<void> => {
    for (let paths = batches.shift(); paths !== undefined; paths = batches.shift())
      said.push((await promtool('test', 'rules', ...paths)).text);
  };
  await Promise.all([work(), work()]);
  const text = said.join('\n');
  const passed = new Set([...text.matchAll(/Unit Testing: {2}(\S+)\s+SUCCESS/g)].map(([, path = '']) => path));
  for (const path of written.flatMap(({ paths }) => paths)) assert.ok(text.includes(`Unit Testing:  ${path}\n`), path);
  return written.filter(({ paths }) => paths.every((path) => passed.has(path))).map(({ mutant }) => mutant);
}

test('each part of an alert that compares more than once has a test that fails without it', async () => {
  const groups = readRuleFiles().flatMap((file) => file.groups);
  const mutants = mutantsOf(groups).filter(({ rule }) => rule.includes(' ') || rule in recorded);
  assert.ok(mutants.length > 60);
  // What is not changed passes: what fails does so because of its change.
  const unchanged = [...new Set(mutants.map(({ rule }) => rule))].map((rule) => ({ rule, change: 'none', groups }));
  const survivors = (await survivorsOf([...unchanged, ...mutants])).map(keyOf);
  assert.deepEqual(survivors, [...unchanged.map(keyOf), ...Object.keys(alike)]);
});

test('a comparison is changed to one that holds never, and to one that holds always', () => {
  const changed = mutationsOf('a{b="c > 1"}[5m] > 2 * 60 or absent(d) or e == 0').map(({ expr }) => expr);
  assert.deepEqual(changed, [
    'a{b="c > 1"}[5m] > +Inf or absent(d) or e == 0',
    'a{b="c > 1"}[5m] >= -Inf or absent(d) or e == 0',
    'a{b="c > 1"}[5m] > 2 * 60 or absent(vector(1) or d) or e == 0',
    'a{b="c > 1"}[5m] > 2 * 60 or absent(d) or e == NaN',
    'a{b="c > 1"}[5m] > 2 * 60 or absent(d) or e >= -Inf',
  ]);
});

/** The files of rules, as code reads them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Where they lie; tests of them lie in tests/. */
export const rulesFolder = import.meta.dirname;

/** Gives a metric another name, or other labels. */
export type Recording = { readonly record: string; readonly expr: string; readonly labels?: Labels };

export type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Labels;
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
};

type Labels = Readonly<Record<string, string>>;
type Rule = Recording | Alert;
type Group = { readonly name: string; readonly rules: readonly Rule[] };
export type RuleFile = { readonly name: string; readonly groups: readonly Group[] };

/** All files, in the order of their names. */
export function readRuleFiles(folder = rulesFolder): RuleFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names
    .sort()
    .map((name) => ({ name, ...(parse(readFileSync(join(folder, name), 'utf8')) as Omit<RuleFile, 'name'>) }));
}

/** Every alert of the files; a name stands there once for each severity. */
export function alertsOf(files: readonly RuleFile[]): Alert[] {
  return rulesOf(files).filter((rule) => 'alert' in rule);
}

/** Every metric that the files record. */
export function recordingsOf(files: readonly RuleFile[]): Recording[] {
  return rulesOf(files).filter((rule) => 'record' in rule);
}

function rulesOf(files: readonly RuleFile[]): Rule[] {
  return files.flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
}

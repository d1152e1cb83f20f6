/** Changes of rules that their tests must notice: a comparison that holds never or always, a series that is never absent. */
import { namedIn } from '../lint/promql.ts';
import type { RuleFile } from './read.ts';

type Group = RuleFile['groups'][number];

/** All rules, one of them with a change. */
export type Mutant = { readonly rule: string; readonly change: string; readonly groups: readonly Group[] };

/** Strings and ranges hold no comparison; a number may be a product. */
const PART = /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|(==|>=|<=|>|<)\s*(?:-?\d[\d.e]*(?:\s*\*\s*\d[\d.e]*)*)|\babsent\(/g;

const never: Readonly<Record<string, string>> = { '<': '< -Inf', '<=': '< -Inf', '==': '== NaN' };
const always: Readonly<Record<string, string>> = { '<': '<= +Inf', '<=': '<= +Inf' };

/** Expressions with one change each. What compares but once has none: a test that has it fire and one that has it keep still say as much. */
export function mutationsOf(expr: string): { readonly change: string; readonly expr: string }[] {
  const parts = [...expr.matchAll(PART)].filter(([whole, sign]) => sign !== undefined || whole === 'absent(');
  if (parts.length < 2) return [];
  return parts.flatMap(({ 0: whole, 1: sign, index }, at) => {
    const changed = (to: string) => ({
      change: `${at + 1}, ${whole}: ${to}`,
      expr: expr.slice(0, index) + to + expr.slice(index + whole.length),
    });
    if (sign === undefined) return [changed('absent(vector(1) or ')];
    return [changed(never[sign] ?? '> +Inf'), changed(always[sign] ?? '>= -Inf')];
  });
}

/** Of each rule that may be changed in more than one way. */
export function mutantsOf(groups: readonly Group[]): Mutant[] {
  const rules = groups.flatMap((group) => group.rules);
  return rules.flatMap((rule) =>
    mutationsOf(rule.expr).map(({ change, expr }) => ({
      rule: 'alert' in rule ? `${rule.alert} ${rule.labels.severity}` : rule.record,
      change,
      groups: groups.map(({ name, rules: all }) => ({
        name,
        rules: all.map((one) => (one === rule ? { ...one, expr } : one)),
      })),
    })),
  );
}

/** What alerts of a name need, and no other rules: tests of them take a fraction of the time. */
export function neededFor(alert: string, groups: readonly Group[]): Group[] {
  const rules = groups.flatMap((group) => group.rules);
  const needed = new Set(rules.filter((rule) => 'alert' in rule && rule.alert === alert));
  for (const { expr } of needed) {
    const asked = new Set(namedIn(expr).selectors.map(({ metric }) => metric));
    for (const rule of rules) if ('record' in rule && asked.has(rule.record)) needed.add(rule);
  }
  return groups.map((group) => ({ ...group, rules: group.rules.filter((rule) => needed.has(rule)) }));
}

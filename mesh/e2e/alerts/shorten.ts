/** The rules of production with a shorter breath: what takes minutes there takes seconds here, and nothing else is different. */
import type { Alert, Recording, RuleFile } from '../../observability/rules/read.ts';

/** How often Prometheus asks and evaluates in these tests. */
export const intervalSeconds = 2;

type Bounds = { readonly divideBy: number; readonly least: number; readonly most: number };

/** A rate needs several scrapes; and what looks back for days would tell of a fault until the test is over. */
const ranges: Bounds = { divideBy: 60, least: 4 * intervalSeconds, most: 20 };
const holds: Bounds = { divideBy: 30, least: intervalSeconds, most: 3 * intervalSeconds };

const secondsOf = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const DURATION = /^(\d+)(s|m|h|d)$/;

/**
 * What alerts compare with a number, though it is a time, or an amount that only grows in time: by alert, what stands there and what is to.
 * A consumer asks every ten seconds when nothing is there, so less than twenty would be no sign; revocations are looked for every five.
 */
const thresholds: Readonly<Record<string, readonly [from: string, to: string]>> = {
  OutboxStuck: ['> 60', '> 4'],
  ConsumerStopped: ['> 60', '> 20'],
  ConsumerLagging: ['> 1000', '> 10'],
  RevocationsNotHeard: ['> 60', '> 12'],
};

/** Files with all their durations shortened. @throws Error when one is written in a way that is not known here, or a threshold is not there */
export function shortenRules(files: readonly RuleFile[]): RuleFile[] {
  return files.map(({ name, groups }) => ({
    name,
    groups: groups.map((group) => ({ ...group, rules: group.rules.map(shortenRule) })),
  }));
}

function shortenRule(rule: Alert | Recording): Alert | Recording {
  const expr = shortenRanges(rule.expr);
  if ('record' in rule) return { ...rule, expr };
  const short = { ...rule, expr: lower(rule.alert, expr) };
  return rule.for === undefined ? short : { ...short, for: shortDuration(rule.for, holds) };
}

/** A string of a matcher may have brackets of its own; a range that ends in a colon has steps of the interval at which rules are evaluated. */
const STRING_OR_RANGE = /"(?:[^"\\]|\\.)*"|\[([^\]]*?)(:?)\]/g;

function shortenRanges(expr: string): string {
  if (/\boffset\b|@/.test(expr)) throw new Error(`only ranges are shortened, not what ${expr} has`);
  return expr.replace(STRING_OR_RANGE, (whole, range?: string, steps = '') =>
    range === undefined ? whole : `[${shortDuration(range, ranges)}${steps}]`,
  );
}

function lower(alert: string, expr: string): string {
  const change = thresholds[alert];
  if (change === undefined) return expr;
  const [from, to] = change;
  const at = new RegExp(`${from}(?![\\d.])`, 'g');
  if (!at.test(expr)) throw new Error(`${alert} does not say "${from}" any more`);
  return expr.replace(at, to);
}

function shortDuration(text: string, { divideBy, least, most }: Bounds): string {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count === undefined) throw new Error(`"${text}" is no duration of one unit`);
  const seconds = (Number(count) * secondsOf[unit as keyof typeof secondsOf]) / divideBy;
  return `${Math.min(most, Math.max(least, Math.ceil(seconds)))}s`;
}

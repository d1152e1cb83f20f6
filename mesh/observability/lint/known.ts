/** Every metric that there is, with its labels: ours, those of exporters, and what the rules record; and what is wrong with what is asked of them. */
import { type Metric, metrics } from '../metrics.ts';
import type { Recording } from '../rules/read.ts';
import { exporters } from './exporters.ts';
import { type Expr, type Matcher, parsePromql, type Selector } from './parse.ts';
import { type Known, labelsOf, partsOf, type Which } from './promql.ts';

/** Which Prometheus adds. */
const scraped = ['job', 'instance'];

/** Labels in a text of an alert, where `{{ end }}` is none, and in a legend. */
const TOLD = /\$labels[.](\w+)|\{\{\s*(?!end\b)(\w+)\s*\}\}/g;

/** @param recordings each after those of which it is made */
export function knownMetrics(recordings: readonly Recording[]): Known {
  const known = new Map<string, Set<string>>();
  const add = (name: string, labels: Iterable<string>): void => {
    known.set(name, new Set([...(known.get(name) ?? []), ...labels]));
  };
  for (const { name, type, labels } of metrics) {
    const all = [...Object.keys(labels), ...scraped];
    if (type !== 'histogram') add(name, all);
    else
      for (const part of ['bucket', 'sum', 'count']) add(`${name}_${part}`, part === 'bucket' ? [...all, 'le'] : all);
  }
  for (const { metrics: theirs } of exporters) {
    for (const [name, labels] of Object.entries(theirs)) add(name, [...labels, ...scraped]);
  }
  for (const { record, expr, labels = {} } of recordings)
    add(record, [...Object.keys(labels), ...labelsOf(parsePromql(expr), known, 'some')]);
  return known;
}

/**
 * What is wrong with an expression: metrics that nobody tells, labels and values that they have not, functions that are for others.
 * @param shown labels that are told of its result: a legend or a text with labels as `{{rpc}}` or `{{ $labels.rpc }}`
 * @param which whether every series must have those, or some
 */
export function unknownIn(text: string, known: Known, shown = '', which: Which = 'every'): string[] {
  const expr = parsePromql(text);
  const result = labelsOf(expr, known, which);
  const told = [...shown.matchAll(TOLD)].map(([, inText, inLegend]) => inText ?? inLegend ?? '');
  return [
    ...partsOf(expr).flatMap((part) => wrongIn(part, known)),
    ...misused(expr),
    ...told.filter((label) => !result.has(label)).map((label) => `its result has no label ${label}`),
  ];
}

function wrongIn(part: Expr, known: Known): string[] {
  const lacks = (labels: readonly string[] | undefined, of: readonly Expr[]): string[] => {
    const there = new Set(of.flatMap((each) => [...labelsOf(each, known, 'some')]));
    return (labels ?? []).filter((label) => !there.has(label)).map((label) => `nothing has a label ${label}`);
  };
  switch (part.kind) {
    case 'selector':
      return wrongSelector(part, known);
    case 'call': {
      const hasNoBuckets =
        part.name === 'histogram_quantile' &&
        part.args.some((arg) => arg.kind !== 'number' && !labelsOf(arg, known, 'every').has('le'));
      return [...lacks(part.keeps?.labels, part.args), ...(hasNoBuckets ? ['a quantile without le'] : [])];
    }
    case 'binary':
      return [
        ...lacks(part.matching?.labels, [part.left, part.right]),
        ...lacks(part.group?.labels, [part.left, part.right]),
      ];
    default:
      return [];
  }
}

function wrongSelector({ metric, matchers }: Selector, known: Known): string[] {
  const labels = known.get(metric);
  if (labels === undefined)
    return [`no metric ${metric}: add it to mesh/observability/metrics.ts, or to lint/exporters.ts there`];
  return matchers.flatMap((matcher) => {
    if (!labels.has(matcher.label)) return [`${metric} has no label ${matcher.label}`];
    return strangeValues(metric, matcher).map((value) => `${metric} has no ${matcher.label}="${value}"`);
  });
}

/** One of ours, by its name or that of a part of a histogram. */
function ours(metric: string): Metric | undefined {
  const whole = metric.replace(/_(bucket|sum|count)$/, '');
  return metrics.find(({ name, type }) => (type === 'histogram' ? name === whole : name === metric));
}

/** Of an expression those that are plain words. */
function strangeValues(metric: string, { label, sign, value }: Matcher): string[] {
  const found = ours(metric);
  const rule = found?.labels[label];
  const bounds = label === 'le' ? [...(found?.buckets ?? []).map(String), '+Inf'] : undefined;
  const allowed =
    found !== undefined && bounds !== undefined
      ? bounds
      : rule !== undefined && 'values' in rule
        ? rule.values
        : undefined;
  if (allowed === undefined) return [];
  // A whole bound is asked for as `5([.]0)?`.
  const words = value.split('|').map((word) => word.replace('([.]0)?', ''));
  const values = sign.endsWith('~') ? words.filter((word) => /^[\w-]+$/.test(word)) : [value];
  return values.filter((each) => each !== '' && !allowed.includes(each));
}

const ofCounters = ['rate', 'irate', 'increase', 'resets'];
/** By which it does not matter how much a counter has counted. */
const ofPresence = [
  'count',
  'group',
  'absent',
  'absent_over_time',
  'present_over_time',
  'count_over_time',
  'timestamp',
];

/** Rates of gauges, and counters without a rate. Of what exporters tell we do not know the types. */
function misused(expr: Expr, inside?: string): string[] {
  if (expr.kind === 'call') return expr.args.flatMap((arg) => misused(arg, expr.name));
  if (expr.kind === 'binary') return [...misused(expr.left, inside), ...misused(expr.right, inside)];
  const type = expr.kind === 'selector' ? ours(expr.metric)?.type : undefined;
  if (expr.kind !== 'selector' || type === undefined) return [];
  const isOfCounters = ofCounters.includes(inside ?? '');
  if (type === 'gauge') return isOfCounters ? [`${expr.metric} is a gauge: no ${inside}`] : [];
  return isOfCounters || ofPresence.includes(inside ?? '')
    ? []
    : [`${expr.metric} is a counter: only its rate says something`];
}

/** Every metric that there is, with its labels: ours, those of exporters, and what the rules record. */
import { metrics } from '../metrics.ts';
import type { Recording } from '../rules/read.ts';
import { exporters } from './exporters.ts';
import { namedIn } from './promql.ts';

/** Labels by metric; those of the scrape are on all. */
export type Known = ReadonlyMap<string, ReadonlySet<string>>;

/** Which Prometheus adds. */
const scraped = ['job', 'instance'];
const aggregation = /\b(?:sum|min|max|avg|count|topk|quantile|histogram_quantile|vector)\b/;

/** @param recordings each after those of which it is made */
export function knownMetrics(recordings: readonly Recording[]): Known {
  const known = new Map<string, Set<string>>();
  const add = (name: string, labels: readonly string[]): void => {
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
    add(record, [...Object.keys(labels), ...labelsLeft(expr, known)]);
  return known;
}

/** Labels that a result has: those of an aggregation, or all of what it is made of. */
function labelsLeft(expr: string, known: Known): readonly string[] {
  const { selectors, grouping } = namedIn(expr);
  if (aggregation.test(expr)) return grouping;
  return selectors.flatMap(({ metric }) => [...(known.get(metric) ?? [])]);
}

/**
 * What is wrong with an expression: metrics that nobody tells, labels that they have not.
 * @param legend how its lines are named, with labels as `{{rpc}}`
 */
export function unknownIn(expr: string, known: Known, legend = ''): string[] {
  const { selectors, grouping, made } = namedIn(expr);
  const missing = selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => `no metric ${metric}`);
  const ofMetric = selectors.flatMap(({ metric, labels }) =>
    labels.filter((label) => known.get(metric)?.has(label) === false).map((label) => `${metric} has no label ${label}`),
  );
  const all = new Set([...selectors.flatMap(({ metric }) => [...(known.get(metric) ?? [])]), ...made]);
  const shown = [...legend.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);
  const foreign = [...grouping, ...shown]
    .filter((label) => !all.has(label))
    .map((label) => `nothing has a label ${label}`);
  return [...missing, ...ofMetric, ...foreign];
}

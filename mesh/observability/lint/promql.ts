/** What an expression of PromQL names, and the labels that its result has. */
import { type Binary, type Call, type Expr, parsePromql, type Selector } from './parse.ts';

/** Labels by metric; those of the scrape are on all. */
export type Known = ReadonlyMap<string, ReadonlySet<string>>;

/** Labels that every series of a result has, or that some have. */
export type Which = 'every' | 'some';

/** An expression and all that it is made of. */
export function partsOf(expr: Expr): Expr[] {
  if (expr.kind === 'call') return [expr, ...expr.args.flatMap(partsOf)];
  if (expr.kind === 'binary') return [expr, ...partsOf(expr.left), ...partsOf(expr.right)];
  return [expr];
}

/** Every metric that is asked for, with what its labels must be. */
export function namedIn(text: string): { readonly selectors: readonly Selector[] } {
  return { selectors: partsOf(parsePromql(text)).filter((part) => part.kind === 'selector') };
}

const aggregations = ['sum', 'min', 'max', 'avg', 'count', 'group', 'stddev', 'stdvar', 'quantile', 'count_values'];
const withoutLabels = ['vector', 'time', 'scalar'];

/** The labels of the result. */
export function labelsOf(expr: Expr, known: Known, which: Which): ReadonlySet<string> {
  switch (expr.kind) {
    case 'selector':
      return known.get(expr.metric) ?? new Set();
    case 'call':
      return labelsOfCall(expr, known, which);
    case 'binary':
      return labelsOfBinary(expr, known, which);
    default:
      return new Set();
  }
}

function labelsOfCall({ name, args, keeps }: Call, known: Known, which: Which): ReadonlySet<string> {
  if (withoutLabels.includes(name)) return new Set();
  if (name === 'absent' || name === 'absent_over_time') return new Set(args.flatMap(equalIn));
  const all = args.map((arg) => labelsOf(arg, known, which)).reduce(union, new Set<string>());
  if (keeps?.word === 'without') return without(all, keeps.labels);
  if (aggregations.includes(name)) return new Set(keeps?.labels);
  if (name === 'histogram_quantile') return without(all, ['le']);
  return union(all, madeBy({ name, args }));
}

/** What must be equal is all that is known of what is not there. */
function equalIn(expr: Expr): string[] {
  if (expr.kind !== 'selector') return [];
  return expr.matchers.filter(({ sign }) => sign === '=').map(({ label }) => label);
}

/** The label that label_replace and label_join write. */
function madeBy({ name, args }: Pick<Call, 'name' | 'args'>): string[] {
  const [, made] = args;
  return /^label_(replace|join)$/.test(name) && made?.kind === 'text' ? [made.text] : [];
}

function labelsOfBinary(
  { sign, left, right, matching, group }: Binary,
  known: Known,
  which: Which,
): ReadonlySet<string> {
  const [ofLeft, ofRight] = [labelsOf(left, known, which), labelsOf(right, known, which)];
  if (sign === 'or')
    return which === 'some' ? union(ofLeft, ofRight) : new Set([...ofLeft].filter((label) => ofRight.has(label)));
  if (sign === 'and' || sign === 'unless') return ofLeft;
  if (isScalar(left)) return ofRight;
  if (isScalar(right)) return ofLeft;
  if (group !== undefined) return union(group.word === 'group_left' ? ofLeft : ofRight, group.labels);
  if (matching?.word === 'on') return new Set(matching.labels);
  return without(ofLeft, matching?.labels ?? []);
}

function isScalar(expr: Expr): boolean {
  if (expr.kind === 'binary') return isScalar(expr.left) && isScalar(expr.right);
  return expr.kind === 'number' || (expr.kind === 'call' && (expr.name === 'time' || expr.name === 'scalar'));
}

function union(some: Iterable<string>, others: Iterable<string>): Set<string> {
  return new Set([...some, ...others]);
}

function without(labels: ReadonlySet<string>, others: readonly string[]): Set<string> {
  return new Set([...labels].filter((label) => !others.includes(label)));
}

/** What an expression of PromQL names: metrics, each with the labels that it is asked for by, and labels by which results are grouped. */

export type Selector = {
  readonly metric: string;
  readonly labels: readonly string[];
  /** As Prometheus takes it by itself: the metric with what its labels must be. */
  readonly text: string;
};
export type Named = {
  readonly selectors: readonly Selector[];
  /** Of by, without, on, ignoring, group_left, group_right. */
  readonly grouping: readonly string[];
  /** Made by label_replace. */
  readonly made: readonly string[];
};

const groupingWords = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const otherWords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'atan2', 'inf', 'nan', 'start', 'end']);

/** Strings with their quotes, ranges as `[5m]`, names, numbers with a unit, and signs. */
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[A-Za-z_:][\w:]*|\d[\w.]*|[^\s\w]/g;

/** Of an expression that Prometheus takes; what it does not, promtool tells. */
export function namedIn(expr: string): Named {
  const tokens: string[] = expr.match(TOKEN) ?? [];
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  const made: string[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    const next = tokens[at + 1];
    if (!/^[A-Za-z_:]/.test(token) || otherWords.has(token.toLowerCase())) continue;
    // An aggregation that says what it keeps before what it is of.
    if (next === 'by' || next === 'without') continue;
    if (groupingWords.has(token)) {
      if (next !== '(') continue;
      const end = tokens.indexOf(')', at);
      grouping.push(...tokens.slice(at + 2, end).filter((one) => one !== ','));
      at = end;
    } else if (next === '(') {
      if (token === 'label_replace') made.push(madeBy(tokens.slice(at)));
    } else {
      const end = next === '{' ? tokens.indexOf('}', at) : at;
      const text = tokens.slice(at, end + 1).join('');
      selectors.push({ metric: token, labels: labelsIn(tokens.slice(at + 2, end)), text });
      at = end;
    }
  }
  return { selectors, grouping, made };
}

/** Names before a sign of comparison. */
function labelsIn(tokens: readonly string[]): string[] {
  return tokens.filter((token, index) => /^[A-Za-z_]/.test(token) && /^[=!]$/.test(tokens[index + 1] ?? ''));
}

/** The label that it writes: its first string behind what it reads. */
function madeBy(tokens: readonly string[]): string {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if ('({'.includes(token)) depth += 1;
    if (')}'.includes(token)) depth -= 1;
    if (token === ',' && depth === 1) return (tokens[index + 1] ?? '').slice(1, -1);
  }
  return '';
}

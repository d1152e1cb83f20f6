/** Expressions of PromQL as trees: as much of its grammar as our rules and dashboards have. */

export type Matcher = { readonly label: string; readonly sign: string; readonly value: string };
export type Selector = {
  readonly kind: 'selector';
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** With a window, as `[5m]`. */
  readonly isRange: boolean;
  /** As Prometheus takes it by itself: the metric with what its labels must be. */
  readonly text: string;
};
/** Labels after by, without, on, ignoring, group_left, group_right. */
export type Grouping = { readonly word: string; readonly labels: readonly string[] };
/** A function, or an aggregation with what it keeps. */
export type Call = {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expr[];
  readonly keeps?: Grouping | undefined;
};
export type Binary = {
  readonly kind: 'binary';
  readonly sign: string;
  readonly left: Expr;
  readonly right: Expr;
  readonly matching?: Grouping | undefined;
  readonly group?: Grouping | undefined;
};
export type Expr =
  | { readonly kind: 'number' }
  | { readonly kind: 'text'; readonly text: string }
  | Selector
  | Call
  | Binary;

/** Strings with their quotes, ranges as `[5m]`, names, numbers with a unit, and signs. */
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[A-Za-z_:][\w:]*|\d[\w.]*|[=!<>]=|=~|!~|[^\s\w]/g;

const NAME = /^[A-Za-z_:]/;
const STRING = /^["']/;

/** From what binds least to what binds most. */
const levels = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '>', '<', '>=', '<='],
  ['+', '-'],
  ['*', '/', '%', 'atan2'],
  ['^'],
];

/** @throws Error for what is not PromQL, or more of it than we use */
export function parsePromql(text: string): Expr {
  const reader = new Reader(text.match(TOKEN) ?? [], text);
  const whole = reader.binary(0);
  reader.end();
  return whole;
}

class Reader {
  readonly #tokens: readonly string[];
  readonly #text: string;
  #at = 0;

  constructor(tokens: readonly string[], text: string) {
    this.#tokens = tokens;
    this.#text = text;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#error();
  }

  binary(level: number): Expr {
    const signs = levels[level];
    if (signs === undefined) return this.#signed();
    let left = this.binary(level + 1);
    while (signs.includes(this.#peek().toLowerCase())) {
      const sign = this.#next().toLowerCase();
      if (this.#peek() === 'bool') this.#next();
      const matching = this.#grouping('on', 'ignoring');
      const group = this.#grouping('group_left', 'group_right');
      left = { kind: 'binary', sign, left, right: this.binary(level + 1), matching, group };
    }
    return left;
  }

  #signed(): Expr {
    if (this.#peek() === '-' || this.#peek() === '+') {
      this.#next();
      return this.#signed();
    }
    let expr = this.#primary();
    if (this.#peek().startsWith('[')) {
      this.#next();
      expr = expr.kind === 'selector' ? { ...expr, isRange: true } : { kind: 'call', name: 'subquery', args: [expr] };
    }
    if (this.#peek() === 'offset') {
      this.#next();
      this.#signed();
    }
    return expr;
  }

  #primary(): Expr {
    const token = this.#next();
    if (token === '(') {
      const inner = this.binary(0);
      this.#take(')');
      return inner;
    }
    if (/^\d/.test(token) || /^(inf|nan)$/i.test(token)) return { kind: 'number' };
    if (STRING.test(token)) return { kind: 'text', text: token.slice(1, -1) };
    if (!NAME.test(token)) throw this.#error();
    return ['(', 'by', 'without'].includes(this.#peek()) ? this.#call(token) : this.#selector(token);
  }

  #call(name: string): Call {
    const before = this.#grouping('by', 'without');
    const args: Expr[] = [];
    this.#take('(');
    while (this.#peek() !== ')') {
      args.push(this.binary(0));
      if (this.#peek() !== ')') this.#take(',');
    }
    this.#take(')');
    return { kind: 'call', name, args, keeps: before ?? this.#grouping('by', 'without') };
  }

  #selector(metric: string): Selector {
    const start = this.#at - 1;
    const matchers: Matcher[] = [];
    if (this.#peek() === '{') {
      this.#next();
      while (this.#peek() !== '}') {
        const [label, sign, value] = [this.#next(), this.#next(), this.#next()];
        if (!STRING.test(value)) throw this.#error();
        matchers.push({ label, sign, value: value.slice(1, -1) });
        if (this.#peek() !== '}') this.#take(',');
      }
      this.#take('}');
    }
    return { kind: 'selector', metric, matchers, isRange: false, text: this.#tokens.slice(start, this.#at).join('') };
  }

  /** Labels after one of these words; without labels for group_left alone. */
  #grouping(...words: readonly string[]): Grouping | undefined {
    if (!words.includes(this.#peek())) return undefined;
    const word = this.#next();
    const labels: string[] = [];
    if (this.#peek() !== '(') return { word, labels };
    this.#take('(');
    while (this.#peek() !== ')') {
      labels.push(this.#next());
      if (this.#peek() !== ')') this.#take(',');
    }
    this.#take(')');
    return { word, labels };
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#peek();
    if (token === '') throw this.#error();
    this.#at += 1;
    return token;
  }

  #take(token: string): void {
    if (this.#next() !== token) throw this.#error();
  }

  #error(): Error {
    return new Error(
      `mesh/observability/lint/parse.ts cannot read ${this.#text} at ${this.#tokens.slice(this.#at - 1).join(' ')}`,
    );
  }
}

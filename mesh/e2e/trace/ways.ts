import assert from 'node:assert/strict';
import type { Span } from '../testing/spans.ts';

/** A span by its service and its name. */
export type Step = readonly [service: string, name: RegExp];

/** @throws Error that names the spans that are there */
export function findSpan(spans: readonly Span[], [service, name]: Step): Span {
  const found = spans.find((span) => isStep(span, [service, name]));
  if (found !== undefined) return found;
  const there = spans.map(describeSpan).join(', ');
  throw new Error(`no span ${name} of ${service} among ${there}`);
}

/** As `auth: sql transaction`. */
export function describeSpan({ service, name }: Pick<Span, 'service' | 'name'>): string {
  return `${service}: ${name}`;
}

/** The spans whose parent is not among them. */
export function tops(spans: readonly Span[]): Span[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
}

/** The span and all above it, up to the root. */
export function ancestors(spans: readonly Span[], from: Span): Span[] {
  const above: Span[] = [];
  for (let span: Span | undefined = from; span !== undefined && above.length <= spans.length; ) {
    above.push(span);
    const { parentSpanId }: Span = span;
    span = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return above;
}

/**
 * Asserts that a span of each step is below one of the step before it, perhaps not directly, and that the front door is above all of them.
 * @throws AssertionError or Error that says what is there instead
 */
export function requireWay(spans: readonly Span[], way: readonly Step[]): true {
  const last = way.at(-1) as Step;
  findSpan(spans, last);
  const lines = spans.filter((span) => isStep(span, last)).map((span) => ancestors(spans, span).toReversed());
  const isThere = lines.some((line) => line[0]?.service === 'gateway' && goesBy(line, way));
  const found = lines.map((line) => line.map(describeSpan).join(' > '));
  assert.ok(
    isThere,
    `no way by ${way.map(([service, name]) => `${service}: ${name}`).join(' > ')}, but ${found.join('; ')}`,
  );
  return true;
}

function isStep({ service, name }: Span, [wanted, pattern]: Step): boolean {
  return service === wanted && pattern.test(name);
}

/** Whether the steps are among the spans, in this order. */
function goesBy(line: readonly Span[], way: readonly Step[]): boolean {
  let next = 0;
  for (const span of line) {
    const step = way[next];
    if (step !== undefined && isStep(span, step)) next += 1;
  }
  return next === way.length;
}

/** Attributes that each span of a kind has, by what it is. */
const needed: readonly (readonly [is: (span: Span) => boolean, attributes: readonly string[]])[] = [
  [({ attributes }) => 'rpc.system' in attributes, ['rpc.service', 'rpc.method']],
  [
    ({ attributes, kind }) => 'rpc.system' in attributes && kind === 'server',
    ['rpc.grpc.status_code', 'oxo.request_id'],
  ],
  [({ name }) => /^(sql|redis) /.test(name), ['db.system.name', 'db.operation.name']],
  [({ name }) => /^sql (?!transaction$)/.test(name), ['db.query.summary']],
  [
    ({ name }) => /^(publish|handle) /.test(name),
    ['messaging.system', 'messaging.operation.type', 'messaging.destination.name', 'messaging.message.id'],
  ],
  [
    ({ attributes }) => 'http.route' in attributes,
    ['http.request.method', 'http.response.status_code', 'oxo.request_id'],
  ],
];
const [maxSpans, maxCharacters, maxAttributes] = [300, 256, 32];
/** Every span of ours is one of these. */
const known = /^(oxo\.[\w.]+\/\w+|(sql|redis|publish|handle) [\w.-]+|(GET|POST) \/[\w./-]*)$/;

/** Asserts that spans are named and described by the conventions, few, and short. */
export function requireConventions(spans: readonly Span[]): void {
  assert.ok(spans.length <= maxSpans, `${spans.length} spans`);
  for (const span of spans.filter(({ service }) => service !== 'gateway')) {
    assert.match(span.name, known);
    for (const [is, attributes] of needed) {
      if (!is(span)) continue;
      for (const name of attributes) assert.notEqual(span.attributes[name], undefined, `${span.name} has no ${name}`);
    }
    assert.ok(Object.keys(span.attributes).length <= maxAttributes, span.name);
    for (const value of Object.values(span.attributes)) assert.ok(String(value).length <= maxCharacters, span.name);
  }
}

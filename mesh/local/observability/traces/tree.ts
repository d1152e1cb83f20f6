import type { Trace } from './index.ts';
import { requestIdOf, type Span } from './span.ts';

/** What is told of a trace in a list. */
export type TraceSummary = {
  readonly traceId: string;
  readonly requestId: string | undefined;
  /** What was asked for: of the first RPC behind the front door, else of the first span that has no parent here. */
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  /** From the first start to the last end. */
  readonly durationMs: number;
  readonly spans: number;
  readonly errors: number;
  /** In the order of their first spans. */
  readonly services: readonly string[];
  readonly dropped: number;
};

/** A span, or a time in which nothing was recorded, as a line of a tree. */
export type Row = {
  readonly depth: number;
  /** Since the start of the trace. */
  readonly offsetMs: number;
  readonly durationMs: number;
  /** For each ancestor but the root, and the row itself, whether more follow at that depth. */
  readonly follows: readonly boolean[];
} & ({ readonly span: Span } | { readonly gap: 'waiting' | 'not recorded' });

/** Its spans say that somebody came in, and not what they wanted. */
const frontDoor = 'gateway';
/** Deeper ones are drawn at this depth: each level moves a row to the right, and thousands of spans may be a chain. */
const maxDepth = 40;
/** Shorter ones are noise. */
const shortestGap = { ms: 2, share: 0.03 };

export function summarise({ traceId, spans, dropped }: Trace): TraceSummary {
  const ordered = byStart(spans);
  const known = new Set(spans.map(({ spanId }) => spanId));
  const root = ordered.find(({ parentSpanId }) => !known.has(parentSpanId)) ?? ordered[0];
  const asked = ordered.find(({ kind, service }) => kind === 'server' && service !== frontDoor) ?? root;
  const startMs = ordered[0]?.startMs ?? 0;
  return {
    ...{ traceId, dropped, startMs, durationMs: endOf(spans) - startMs },
    requestId: spans.map(requestIdOf).find((id) => id !== undefined),
    name: asked?.name ?? '',
    service: asked?.service ?? '',
    spans: spans.length,
    errors: spans.filter(({ error }) => error !== undefined).length,
    services: [...new Set(ordered.map(({ service }) => service))],
  };
}

/** The spans as a tree: each below its parent, in the order of their starts, with the times in which nothing was recorded. */
export function rowsOf(spans: readonly Span[]): Row[] {
  const ordered = byStart(spans);
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(ordered, ({ parentSpanId, spanId }) =>
    known.has(parentSpanId) && parentSpanId !== spanId ? parentSpanId : '',
  );
  const startMs = ordered[0]?.startMs ?? 0;
  const leastMs = Math.max(shortestGap.ms, (endOf(spans) - startMs) * shortestGap.share);
  const rows: Row[] = [];
  const seen = new Set<Span>();

  const walk = (members: readonly Span[], parent: Span | undefined, follows: readonly boolean[]): void => {
    let reachedMs = parent?.startMs ?? startMs;
    const depth = follows.length;
    for (const [index, span] of members.entries()) {
      if (seen.has(span)) continue;
      seen.add(span);
      const lasts = span.startMs - reachedMs;
      if (parent !== undefined && lasts >= leastMs) {
        const hasEnded = parent.startMs + parent.durationMs <= span.startMs;
        const gap = { offsetMs: reachedMs - startMs, durationMs: lasts, follows: [...follows, true] };
        rows.push({ ...gap, depth: depth + 1, gap: hasEnded ? 'waiting' : 'not recorded' });
      }
      reachedMs = Math.max(reachedMs, span.startMs + span.durationMs);
      const below = parent === undefined ? [] : depth >= maxDepth ? follows : [...follows, index < members.length - 1];
      rows.push({
        depth: below.length,
        offsetMs: span.startMs - startMs,
        durationMs: span.durationMs,
        follows: below,
        span,
      });
      walk(children.get(span.spanId) ?? [], span, below);
    }
  };
  walk(children.get('') ?? [], undefined, []);
  // Spans that are each other's parents have no root; they are shown all the same.
  walk(
    ordered.filter((span) => !seen.has(span)),
    undefined,
    [],
  );
  return rows;
}

function byStart(spans: readonly Span[]): Span[] {
  return spans.toSorted((one, other) => one.startMs - other.startMs);
}

function endOf(spans: readonly Span[]): number {
  return Math.max(0, ...spans.map(({ startMs, durationMs }) => startMs + durationMs));
}

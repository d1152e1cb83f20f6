import { requestIdOf, type Span } from './span.ts';

export type Trace = {
  readonly traceId: string;
  readonly spans: readonly Span[];
  /** Spans that came when there were too many of them. */
  readonly dropped: number;
};

/** Finds spans by the trace and by the request that they belong to. */
export type TraceIndex = {
  /** False when its trace has too many already. */
  readonly keep: (span: Span) => boolean;
  readonly forget: (spans: readonly Span[]) => void;
  readonly trace: (traceId: string) => Trace | undefined;
  /** The latest first. */
  readonly ofRequest: (requestId: string) => Trace[];
  /** The latest first. */
  readonly all: () => Trace[];
};

type Kept = { readonly spans: Span[]; dropped: number };

/** Anybody may say the request id of another: of so many traces that have the same, the latest, each is found. */
const tracesOfRequest = 5;

export function createTraceIndex(spansOfTrace: number): TraceIndex {
  const traces = new Map<string, Kept>();
  /** The latest last. */
  const byRequest = new Map<string, readonly string[]>();

  const trace = (traceId: string): Trace | undefined => {
    const kept = traces.get(traceId);
    return kept === undefined ? undefined : { traceId, ...kept };
  };
  return {
    keep: (span) => {
      const kept = traces.get(span.traceId) ?? { spans: [], dropped: 0 };
      traces.set(span.traceId, kept);
      if (kept.spans.length >= spansOfTrace) {
        kept.dropped += 1;
        return false;
      }
      kept.spans.push(span);
      const requestId = requestIdOf(span);
      if (requestId !== undefined) {
        const others = (byRequest.get(requestId) ?? []).filter((traceId) => traceId !== span.traceId);
        byRequest.set(requestId, [...others, span.traceId].slice(-tracesOfRequest));
      }
      return true;
    },
    forget: (spans) => {
      const gone = new Set(spans);
      for (const traceId of new Set(spans.map((span) => span.traceId))) {
        const { spans: all = [], dropped = 0 } = traces.get(traceId) ?? {};
        const left = all.filter((span) => !gone.has(span));
        if (left.length === 0) traces.delete(traceId);
        else traces.set(traceId, { spans: left, dropped });
      }
      for (const requestId of new Set(spans.map(requestIdOf))) {
        if (requestId === undefined) continue;
        const left = (byRequest.get(requestId) ?? []).filter((traceId) => traces.has(traceId));
        if (left.length === 0) byRequest.delete(requestId);
        else byRequest.set(requestId, left);
      }
    },
    trace,
    ofRequest: (requestId) => (byRequest.get(requestId) ?? []).toReversed().flatMap((traceId) => trace(traceId) ?? []),
    all: () => [...traces].map(([traceId, kept]) => ({ traceId, ...kept })).reverse(),
  };
}

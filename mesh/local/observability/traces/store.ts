import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requestIdOf, type Span } from './span.ts';

/** What is kept at most. */
export type StoreLimits = {
  /** Of one file; as many as `segments` are kept, so twice as much is read at a start at most. */
  readonly segmentBytes: number;
  readonly segments: number;
  readonly segmentAgeMs: number;
  readonly maxAgeMs: number;
  readonly spansOfTrace: number;
};

export const defaultLimits: StoreLimits = {
  segmentBytes: 2 * 1024 * 1024,
  segments: 12,
  segmentAgeMs: 60 * 60_000,
  maxAgeMs: 24 * 60 * 60_000,
  spansOfTrace: 2_000,
};

export type Trace = {
  readonly traceId: string;
  readonly spans: readonly Span[];
  /** Spans that came when there were too many of them. */
  readonly dropped: number;
};

/** Keeps traces in memory, and in files from which a restart reads them again. */
export type TraceStore = {
  readonly add: (spans: readonly Span[]) => void;
  readonly trace: (traceId: string) => Trace | undefined;
  /** The trace of a request, by the id that its answer had in `x-request-id`. */
  readonly ofRequest: (requestId: string) => Trace | undefined;
  /** The latest first. */
  readonly all: () => Trace[];
};

type Segment = { readonly path: string; readonly sinceMs: number; bytes: number; readonly spans: Span[] };
type Kept = { readonly spans: Span[]; dropped: number };

/**
 * Spans stand in files of a bounded size, each added to as they come; the oldest file is removed as a whole, and its spans are forgotten.
 * @param folder is made when it is not there
 * @param onProblem told when a file can't be written: what has come is then kept until the process ends
 */
export function openTraceStore(
  folder: string,
  nowMs: () => number,
  limits: StoreLimits = defaultLimits,
  onProblem: (error: unknown) => void = () => {},
): TraceStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const traces = new Map<string, Kept>();
  const byRequest = new Map<string, string>();
  const segments: Segment[] = [];

  const keep = (span: Span): boolean => {
    const kept = traces.get(span.traceId) ?? { spans: [], dropped: 0 };
    traces.set(span.traceId, kept);
    if (kept.spans.length >= limits.spansOfTrace) {
      kept.dropped += 1;
      return false;
    }
    kept.spans.push(span);
    const requestId = requestIdOf(span);
    if (requestId !== undefined) byRequest.set(requestId, span.traceId);
    return true;
  };
  const forget = (segment: Segment): void => {
    const gone = new Set(segment.spans);
    for (const traceId of new Set(segment.spans.map((span) => span.traceId))) {
      const left = traces.get(traceId)?.spans.filter((span) => !gone.has(span)) ?? [];
      if (left.length === 0) traces.delete(traceId);
      else traces.set(traceId, { spans: left, dropped: traces.get(traceId)?.dropped ?? 0 });
    }
    for (const requestId of segment.spans.map(requestIdOf)) {
      if (requestId !== undefined && !traces.has(byRequest.get(requestId) ?? '')) byRequest.delete(requestId);
    }
    rmSync(segment.path, { force: true });
  };
  const bound = (): void => {
    const oldestMs = nowMs() - limits.maxAgeMs;
    const isTooMuch = (): boolean =>
      segments.length > limits.segments || (segments[0] !== undefined && segments[0].sinceMs < oldestMs);
    while (isTooMuch()) forget(segments.shift() as Segment);
  };
  const current = (): Segment => {
    const last = segments.at(-1);
    const isOpen =
      last !== undefined && last.bytes < limits.segmentBytes && nowMs() - last.sinceMs < limits.segmentAgeMs;
    if (isOpen) return last;
    const sinceMs = Math.max(nowMs(), (last?.sinceMs ?? 0) + 1);
    const fresh: Segment = { path: join(folder, `${sinceMs}.jsonl`), sinceMs, bytes: 0, spans: [] };
    segments.push(fresh);
    bound();
    return fresh;
  };

  for (const name of readdirSync(folder)
    .filter((file) => /^\d+\.jsonl$/.test(file))
    .sort()) {
    segments.push(readSegment(folder, name, keep));
  }
  bound();
  const traceOf = (traceId: string): Trace | undefined => {
    const kept = traces.get(traceId);
    return kept === undefined ? undefined : { traceId, ...kept };
  };
  return {
    add: (spans) => {
      const segment = current();
      const fresh = spans.filter(keep);
      const text = fresh.map((span) => `${JSON.stringify(span)}\n`).join('');
      segment.spans.push(...fresh);
      segment.bytes += Buffer.byteLength(text);
      try {
        if (text !== '') appendFileSync(segment.path, text, { mode: 0o600 });
      } catch (error) {
        onProblem(error);
      }
    },
    trace: traceOf,
    ofRequest: (requestId) => traceOf(byRequest.get(requestId) ?? ''),
    all: () => {
      bound();
      return [...traces].map(([traceId, kept]) => ({ traceId, ...kept })).reverse();
    },
  };
}

/** A line that a kill has cut off is none. */
function readSegment(folder: string, name: string, keep: (span: Span) => boolean): Segment {
  const path = join(folder, name);
  const text = readFileSync(path, 'utf8');
  const spans = text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Span];
    } catch {
      return [];
    }
  });
  return { path, sinceMs: Number.parseInt(name, 10), bytes: Buffer.byteLength(text), spans: spans.filter(keep) };
}

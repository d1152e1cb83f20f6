import { createTraceIndex, type Trace, type TraceIndex } from './index.ts';
import { append, newSegment, type OnProblem, readSegments, removeFile, type Segment } from './segments.ts';
import type { Span } from './span.ts';

/** What is kept at most. */
export type StoreLimits = {
  /** Of one file, and a span more; as many as `segments` are kept. */
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

/** Keeps traces in memory, and in files from which a restart reads them again. */
export type TraceStore = {
  readonly add: (spans: readonly Span[]) => void;
  readonly trace: (traceId: string) => Trace | undefined;
  /** The traces of a request, by the id that its answer had in `x-request-id`, the latest first; several where it was said again. */
  readonly ofRequest: (requestId: string) => Trace[];
  /** The latest first. */
  readonly all: () => Trace[];
};

/**
 * Spans stand in files of a bounded size, each added to as they come; the oldest file is removed as a whole, and its spans are forgotten.
 * @param folder is made when it is not there
 * @param onProblem told when a file can't be read, and when one can't be written: what has come is then kept until the process ends
 */
export function openTraceStore(
  folder: string,
  nowMs: () => number,
  limits: StoreLimits = defaultLimits,
  onProblem: OnProblem = () => {},
): TraceStore {
  const index = createTraceIndex(limits.spansOfTrace);
  const segments = readSegments(folder, onProblem).map((segment) => ({
    ...segment,
    spans: segment.spans.filter(index.keep),
  }));
  const bound = (): void => dropOldest(segments, index, { nowMs: nowMs(), limits, onProblem });
  bound();

  /** The file that is added to. */
  const current = (): Segment => {
    const last = segments.at(-1);
    const { bytes = 0, sinceMs = 0 } = last ?? {};
    if (last !== undefined && bytes < limits.segmentBytes && nowMs() - sinceMs < limits.segmentAgeMs) return last;
    const fresh = newSegment(folder, nowMs(), last);
    segments.push(fresh);
    bound();
    return fresh;
  };
  return {
    add: (spans) => {
      let [open, text] = [current(), ''];
      for (const span of spans.filter(index.keep)) {
        const segment = current();
        if (segment !== open) {
          append(open, text, onProblem);
          [open, text] = [segment, ''];
        }
        const line = `${JSON.stringify(span)}\n`;
        text += line;
        segment.spans.push(span);
        segment.bytes += Buffer.byteLength(line);
      }
      append(open, text, onProblem);
    },
    trace: index.trace,
    ofRequest: index.ofRequest,
    all: () => {
      bound();
      return index.all();
    },
  };
}

/** Removes files while there are too many, or too old ones. */
function dropOldest(
  segments: Segment[],
  index: TraceIndex,
  { nowMs, limits, onProblem }: { nowMs: number; limits: StoreLimits; onProblem: OnProblem },
): void {
  const isTooMuch = ([oldest]: readonly Segment[]): boolean =>
    segments.length > limits.segments || (oldest !== undefined && oldest.sinceMs < nowMs - limits.maxAgeMs);
  while (isTooMuch(segments)) {
    const oldest = segments.shift();
    if (oldest === undefined) return;
    index.forget(oldest.spans);
    removeFile(oldest, onProblem);
  }
}

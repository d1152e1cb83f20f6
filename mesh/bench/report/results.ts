import type { AcknowledgedFigures } from '../measure/acknowledged.ts';
import type { FanOutFigures } from '../measure/fan-out.ts';
import type { FeedReadFigures } from '../measure/feed-reads.ts';
import type { PostWriteFigures } from '../measure/post-writes.ts';
import type { VisibleFigures } from '../measure/visible.ts';
import type { SafetySettings } from '../servers/safety.ts';

/** Everything that a run has found out; `--json` writes it as it is. */
export type BenchResults = {
  readonly startedAt: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly viewers: number;
  readonly seconds: number;
  readonly safety: SafetySettings;
  readonly reads: FeedReadFigures;
  readonly writes: Omit<PostWriteFigures, 'created'>;
  readonly visibleIdle: VisibleFigures;
  readonly visibleHalfLoad: VisibleFigures;
  readonly fanOut: FanOutFigures;
  readonly acknowledged: AcknowledgedFigures;
  /** Proportional set size of each process (with its children) as the run found it, in bytes. */
  readonly idleMemoryBytes: Readonly<Record<string, number>>;
  /** The same at the end of the run. */
  readonly loadedMemoryBytes: Readonly<Record<string, number>>;
  /** CPU while nothing is asked, in ms a second; it is subtracted everywhere. */
  readonly idleCpuMsPerSecond: Readonly<Record<string, number>>;
  /** From the start of each service until it was ready, at the last start, in ms. */
  readonly serviceStartMs: Readonly<Record<string, number>>;
};

import type { GrowthFigures } from '../growth/measure-growth.ts';
import type { AcknowledgedFigures } from '../measure/acknowledged.ts';
import type { FanOutFigures } from '../measure/fan-out.ts';
import type { FeedReadFigures } from '../measure/feed-reads.ts';
import type { HalfLoadFigures } from '../measure/half-load.ts';
import type { KeyReadFigures } from '../measure/key-reads.ts';
import type { MixedFigures } from '../measure/mixed.ts';
import type { PostWriteFigures } from '../measure/post-writes.ts';
import type { VisibleFigures } from '../measure/visible.ts';
import type { SafetySettings } from '../servers/safety.ts';

/** What was found out about the stack that runs here; a part that was not asked for is missing. */
export type StackResults = {
  readonly viewers: number;
  readonly safety: SafetySettings;
  readonly reads?: FeedReadFigures | undefined;
  readonly keyReads?: KeyReadFigures | undefined;
  readonly writes?: Omit<PostWriteFigures, 'created'> | undefined;
  readonly mixed?: MixedFigures | undefined;
  readonly visibleIdle?: VisibleFigures | undefined;
  readonly visibleHalfLoad?: HalfLoadFigures | undefined;
  readonly fanOut?: FanOutFigures | undefined;
  /** Of what the parts that note what they write have written. */
  readonly acknowledged?: AcknowledgedFigures | undefined;
  /** Processes of every service. */
  readonly replicas: number;
  /** Proportional set size of each process (with its children) as the run found it, in bytes. */
  readonly idleMemoryBytes: Readonly<Record<string, number>>;
  /** The same at the end of the run. */
  readonly loadedMemoryBytes: Readonly<Record<string, number>>;
  /** CPU while nothing is asked, in ms a second; it is subtracted everywhere. */
  readonly idleCpuMsPerSecond: Readonly<Record<string, number>>;
  /** From the start of each service until it was ready, at the last start, in ms. */
  readonly serviceStartMs: Readonly<Record<string, number>>;
};

/** Everything that a run has found out; `--json` writes it as it is. */
export type BenchResults = {
  readonly startedAt: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  /** Of each measurement under load. */
  readonly seconds: number;
  readonly stack?: StackResults | undefined;
  /** Smallest first. */
  readonly growth?: readonly GrowthFigures[] | undefined;
};

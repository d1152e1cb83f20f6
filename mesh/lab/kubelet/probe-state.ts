import type { Probe } from '../api/types.ts';

/** What a probe says of its container: nothing is known until the first verdict. */
export type Verdict = 'unknown' | 'success' | 'failure';

/** How often a probe is tried, with the defaults of Kubernetes filled in. */
export type ProbeTiming = {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
};

export function timingOf(probe: Probe): ProbeTiming {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1_000,
    periodMs: (probe.periodSeconds ?? 10) * 1_000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1_000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  };
}

/** What is known after some tries: the verdict changes only when enough of them in a row say so. */
export type ProbeState = { readonly verdict: Verdict; readonly inARow: number; readonly last: boolean | undefined };

export const untried: ProbeState = { verdict: 'unknown', inARow: 0, last: undefined };

export function observe(state: ProbeState, succeeded: boolean, timing: ProbeTiming): ProbeState {
  const inARow = state.last === succeeded ? state.inARow + 1 : 1;
  const threshold = succeeded ? timing.successThreshold : timing.failureThreshold;
  const verdict = inARow < threshold ? state.verdict : succeeded ? 'success' : 'failure';
  return { verdict, inARow, last: succeeded };
}

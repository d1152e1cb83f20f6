/** The budgets of the design, for two cores with everything on one machine. */
export const budgets = {
  /** CPU of one feed read, as a multiple of the echo's. */
  feedReadTimesEcho: 1.3,
  postCpuMs: 1.5,
  visibleIdleMs: { p50: 8, p99: 40 },
  visibleHalfLoadMs: { p50: 25, p99: 150 },
  fanOutPerSecond: 20_000,
  /** Of all eight services; fewer services have their share of it. */
  memoryMib: 900,
  memoryServices: 8,
  startSeconds: 10,
} as const;

/** A figure beside its budget. */
export type Line = {
  readonly what: string;
  readonly measured: string;
  readonly budget: string;
  /** How much of the budget is used: above 1 it is missed. Undefined when there is nothing to compare. */
  readonly ratio: number | undefined;
};

export type Verdict = 'ok' | 'over' | 'MISSED';

/** A miss of more than twice the budget is not done. */
export function verdictOf(ratio: number | undefined): Verdict | '–' {
  if (ratio === undefined || Number.isNaN(ratio)) return '–';
  if (ratio <= 1) return 'ok';
  return ratio <= 2 ? 'over' : 'MISSED';
}

/** A figure that must not be above its budget. */
export function atMost(what: string, measured: number, budget: number, show: (value: number) => string): Line {
  return { what, measured: show(measured), budget: `≤ ${show(budget)}`, ratio: measured / budget };
}

/** A figure that must not be below its budget. */
export function atLeast(what: string, measured: number, budget: number, show: (value: number) => string): Line {
  return { what, measured: show(measured), budget: `≥ ${show(budget)}`, ratio: budget / measured };
}

/** Something that must not happen at all. */
export function never(what: string, measured: number): Line {
  return { what, measured: String(measured), budget: '0', ratio: measured === 0 ? 0 : Number.POSITIVE_INFINITY };
}

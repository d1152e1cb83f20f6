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
  /** How much of the budget is used: above 1 it is missed. Undefined when it was not measured. */
  readonly ratio: number | undefined;
};

export type Verdict = 'ok' | 'over' | 'MISSED';

/** A miss of more than twice the budget is not done. */
export function verdictOf(ratio: number | undefined): Verdict | '–' {
  if (ratio === undefined || Number.isNaN(ratio)) return '–';
  if (ratio <= 1) return 'ok';
  return ratio <= 2 ? 'over' : 'MISSED';
}

/** A figure, or undefined when its part was not run. */
type Measured = number | undefined;
type Show = (value: number) => string;

/** A figure that must not be above its budget. */
export function atMost(what: string, measured: Measured, budget: number, show: Show): Line {
  return lineOf(what, measured, `≤ ${show(budget)}`, show, (value) => value / budget);
}

/** A figure that must not be below its budget. */
export function atLeast(what: string, measured: Measured, budget: number, show: Show): Line {
  return lineOf(what, measured, `≥ ${show(budget)}`, show, (value) => budget / value);
}

/** Something that must not happen at all. */
export function never(what: string, measured: Measured): Line {
  return lineOf(what, measured, '0', String, (value) => (value === 0 ? 0 : Number.POSITIVE_INFINITY));
}

function lineOf(
  what: string,
  measured: Measured,
  budget: string,
  show: Show,
  ratioOf: (value: number) => number,
): Line {
  if (measured === undefined) return { what, measured: '–', budget, ratio: undefined };
  return { what, measured: show(measured), budget, ratio: ratioOf(measured) };
}

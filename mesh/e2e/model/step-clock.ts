/** The time of one history, counted in steps. */
export type StepClock = {
  readonly now: () => number;
  readonly advance: () => void;
  /** Resolves when this step has begun, or the history is over. */
  readonly reach: (step: number) => Promise<void>;
  /** The history is over: nobody waits any longer. */
  readonly end: () => void;
};

export function createStepClock(): StepClock {
  let now = 0;
  const waiting = new Map<() => void, number>();

  function wake(): void {
    for (const [resolve, step] of waiting) {
      if (step > now) continue;
      waiting.delete(resolve);
      resolve();
    }
  }

  return {
    now: () => now,
    advance() {
      now += 1;
      wake();
    },
    async reach(step) {
      if (step > now) await new Promise<void>((resolve) => waiting.set(resolve, step));
    },
    end() {
      now = Number.POSITIVE_INFINITY;
      wake();
    },
  };
}

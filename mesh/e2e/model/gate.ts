/** Lets many pass at the same time, or one alone. */
export type Gate = {
  /** Does the work beside that of others; waits while somebody is alone. */
  readonly pass: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Does the work while nobody else is at work. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
};

export function createGate(): Gate {
  let running = 0;
  let whenEmpty: (() => void) | undefined;
  let turn: Promise<void> | undefined;

  return {
    async pass(work) {
      while (turn !== undefined) await turn;
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
        if (running === 0) whenEmpty?.();
      }
    },
    async alone(work) {
      while (turn !== undefined) await turn;
      const own = (async () => {
        if (running > 0) await new Promise<void>((resolve) => (whenEmpty = resolve));
        await work();
      })().finally(() => {
        turn = undefined;
      });
      turn = own;
      await own;
    },
  };
}

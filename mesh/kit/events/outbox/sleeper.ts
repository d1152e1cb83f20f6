/** Lets one loop wait, and others end its waiting. */
export interface Sleeper {
  /** Forgets what happened so far: call it before looking for work, so that nothing is missed between the look and the sleep. */
  reset(): void;
  /** There is work: ends `sleep`. */
  wake(): void;
  /** Something else has changed: ends `sleep` and `rest`. */
  interrupt(): void;
  sleep(ms: number): Promise<void>;
  /** Before another attempt at what has failed: more work is no reason to hurry. */
  rest(ms: number): Promise<void>;
}

/** A sleeper for one loop. What wakes it while it does not sleep ends its next sleep, unless `reset` comes between. */
export function createSleeper(): Sleeper {
  let woken = false;
  let interrupted = false;
  let isResting = false;
  let end: (() => void) | undefined;

  async function wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    end = resolve;
    await promise;
    clearTimeout(timer);
    end = undefined;
  }

  return {
    reset() {
      woken = false;
      interrupted = false;
    },
    wake() {
      woken = true;
      if (!isResting) end?.();
    },
    interrupt() {
      interrupted = true;
      end?.();
    },
    async sleep(ms) {
      if (!woken && !interrupted) await wait(ms);
    },
    async rest(ms) {
      if (interrupted) return;
      isResting = true;
      await wait(ms);
      isResting = false;
    },
  };
}

/** A bounded number of places for work that is done at the same time. */

export interface Slots {
  /** Resolves when a place is free, and takes it. One caller at a time may wait. */
  acquire(): Promise<void>;
  release(): void;
  /** Resolves when no place is taken. One caller at a time may wait. */
  idle(): Promise<void>;
}

/** @param count of the places */
export function createSlots(count: number): Slots {
  let taken = 0;
  let whenFree: (() => void) | undefined;
  let whenIdle: (() => void) | undefined;
  return {
    async acquire() {
      if (taken === count) await new Promise<void>((resolve) => (whenFree = resolve));
      taken += 1;
    },
    release() {
      taken -= 1;
      whenFree?.();
      whenFree = undefined;
      if (taken === 0) whenIdle?.();
    },
    async idle() {
      if (taken > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    },
  };
}

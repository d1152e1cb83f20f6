import type { Watched } from './watched.ts';

/** An alert, and labels that it must have. */
export type Expected = { readonly alert: string; readonly labels?: Readonly<Record<string, string>> };

/** What is broken on purpose, which alerts must tell of it, and which may. */
export type Fault = {
  readonly fires: readonly Expected[];
  /** Those that can only tell of it when it is over. */
  readonly firesAfter?: readonly Expected[];
  /** Alerts that are true of it as well, if it lasts long enough. */
  readonly mayFire?: readonly string[];
  /** @returns how it is mended */
  readonly cause: (watched: Watched) => Promise<() => Promise<unknown>>;
  /** Its alerts look back, and go on for some time when it is mended. */
  readonly isLate?: boolean;
};

/** A process is stopped, and started again. */
export const without =
  (name: string, signal?: NodeJS.Signals): Fault['cause'] =>
  async ({ world }) => {
    const process = world.stack.process(name);
    await process.pause(signal);
    return () => process.resume();
  };

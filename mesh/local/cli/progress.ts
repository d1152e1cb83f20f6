import { count, duration } from './statistics.ts';

/** Tells how far a long piece of work is: one line that changes on a terminal, a line every few seconds in a file. */
export type Progress = {
  /** Begins a phase; the one before ends. @param total how many things there are to do */
  readonly phase: (name: string, total: number) => Phase;
  /** Ends the line that is being written, whatever state it is in. */
  readonly stop: () => void;
};

export type Phase = {
  /** So many more are done. */
  readonly done: (more?: number) => void;
  /** So many in all are done; it may go back. */
  readonly at: (done: number) => void;
  /** Ends it with a line that stays. @returns milliseconds that it took */
  readonly end: (note?: string) => number;
};

export type ProgressOutput = { readonly write: (text: string) => unknown; readonly isTTY?: boolean };

const terminalIntervalMs = 100;
const fileIntervalMs = 5_000;
const eraseLine = '\r\u001b[K';

export function createProgress(output: ProgressOutput = process.stdout): Progress {
  const isTerminal = output.isTTY === true;
  let open = false;
  const show = (line: string): void => {
    output.write(isTerminal ? `${eraseLine}${line}` : `${line}\n`);
    open = isTerminal;
  };
  const finish = (line: string): void => {
    output.write(`${isTerminal ? eraseLine : ''}${line}\n`);
    open = false;
  };
  return {
    phase: (name, total) => startPhase(name, total, { isTerminal, show, finish }),
    stop: () => {
      if (open) output.write('\n');
      open = false;
    },
  };
}

type Lines = {
  readonly isTerminal: boolean;
  readonly show: (line: string) => void;
  readonly finish: (line: string) => void;
};

function startPhase(name: string, total: number, { isTerminal, show, finish }: Lines): Phase {
  const startedAtMs = performance.now();
  const intervalMs = isTerminal ? terminalIntervalMs : fileIntervalMs;
  let shownAtMs = startedAtMs;
  let done = 0;
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const at = (now: number): void => {
    done = now;
    if (performance.now() - shownAtMs < intervalMs) return;
    shownAtMs = performance.now();
    const rate = done / (elapsedMs() / 1_000);
    show(`  … ${name.padEnd(26)} ${count(done)} of ${count(total)}${rate < 1 ? '' : ` (${count(rate)}/s)`}`);
  };
  return {
    at,
    done: (more = 1) => at(done + more),
    end: (note = count(done)) => {
      const ms = elapsedMs();
      finish(`  ✓ ${name.padEnd(26)} ${duration(ms).padStart(11)}  ${note}`.trimEnd());
      return ms;
    },
  };
}

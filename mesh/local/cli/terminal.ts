import { createInterface } from 'node:readline/promises';
import type { Step } from '../supervisor/state.ts';

/** Lines about what is going on: one when something is done, so that a log file reads as well as a terminal. */
export type Progress = {
  /** Prints the steps that have ended since the last call. */
  readonly steps: (steps: readonly Step[]) => void;
  readonly transfer: (name: string, state: 'waiting' | 'fetching' | 'done', bytes: number, total: number) => void;
  /** Says what will take a while. */
  readonly note: (text: string) => void;
  /** Runs a piece of work and prints how it went; text that it returns is shown beside its name. */
  readonly step: (name: string, work: () => Promise<unknown>) => Promise<void>;
};

const transferLineIntervalMs = 2_000;

export function createPhases(print: (line: string) => void = console.log): Progress {
  const printed = new Set<string>();
  const transferLineAtMs = new Map<string, number>();
  const ended = (step: Step): void => {
    const mark = step.state === 'done' ? '✓' : '✗';
    const seconds = `${(step.ms / 1_000).toFixed(1)} s`.padStart(7);
    print(`  ${mark} ${step.name.padEnd(24)} ${seconds}${step.note ? `  ${step.note}` : ''}`);
  };
  return {
    steps: (steps) => {
      for (const step of steps) {
        if (step.state === 'running' || printed.has(step.name)) continue;
        printed.add(step.name);
        ended(step);
      }
    },
    transfer: (name, state, bytes, total) => {
      // What is there is unpacked, and then told once.
      if (state === 'fetching' && bytes >= total) return;
      const nowMs = performance.now();
      const due = nowMs - (transferLineAtMs.get(name) ?? -transferLineIntervalMs) >= transferLineIntervalMs;
      if (!due && state !== 'done') return;
      transferLineAtMs.set(name, nowMs);
      if (state === 'waiting') print(`  … ${name}: another process is fetching it`);
      else print(`  ${state === 'done' ? '✓' : '…'} ${name.padEnd(32)} ${megabytes(bytes)} of ${megabytes(total)} MB`);
    },
    note: (text) => print(`  … ${text}`),
    step: async (name, work) => {
      const startedAtMs = performance.now();
      const ms = (): number => performance.now() - startedAtMs;
      try {
        const result = await work();
        ended({ name, state: 'done', note: typeof result === 'string' ? result : undefined, ms: ms() });
      } catch (error) {
        ended({ name, state: 'failed', ms: ms() });
        throw error;
      }
    },
  };
}

/** Asks the person at the terminal; no where there is none. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** Columns as wide as their widest cell; numbers stand to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

function pad(cell: string, width: number): string {
  return /^\d/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

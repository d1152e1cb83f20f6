import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { clip } from './show/text.ts';

export type Screen = {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const eraseRestOfLine = '\u001b[K';
const eraseBelow = '\u001b[J';

/** A file or a pipe gets no more blocks than this. */
export const mostBlocks = 1_000;

export type WatchOptions = {
  readonly screen: Screen;
  readonly intervalMs: number;
  /** Gives the text of one look. */
  readonly look: () => Promise<string>;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** At most so many; without a terminal at most `mostBlocks`. */
  readonly times: number | undefined;
};

/**
 * Shows again and again, in place on a terminal, else one block after the other. On a terminal the last one stays when it ends.
 * Rejects when a look does, after the terminal is as it was.
 */
export async function watch({ screen, intervalMs, look, signal, times }: WatchOptions): Promise<void> {
  const isTerminal = screen.isTTY === true;
  const most = times ?? (isTerminal ? Number.POSITIVE_INFINITY : mostBlocks);
  let last: string | undefined;
  const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => undefined);
  if (isTerminal) screen.write(enter);
  try {
    for (let shown = 0; shown < most && !signal.aborted; shown += 1) {
      const text = await Promise.race([look(), aborted]);
      if (text === undefined) return;
      last = text;
      screen.write(isTerminal ? frame(text, screen) : `${text}\n`);
      if (shown + 1 < most) await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (isTerminal) screen.write(`${leave}${last === undefined ? '' : `${last}\n`}`);
  }
}

/** Each line is written over the one before it, so that nothing flickers; what does not fit is said. */
export function frame(text: string, { columns = 80, rows = 24 }: Pick<Screen, 'columns' | 'rows'>): string {
  const lines = text.split('\n');
  const fits = lines.length < rows;
  const shown = fits ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`];
  return `${home}${shown.map((line) => `${clip(line, columns)}${eraseRestOfLine}`).join('\n')}\n${eraseBelow}`;
}

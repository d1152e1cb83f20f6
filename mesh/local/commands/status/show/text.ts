/** Text for a terminal of a given width. */

/** Columns of a terminal that does not say. */
export const usualWidth = 80;

/** One line of at most so many columns. */
export function clip(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/**
 * Broken between words into lines of at most so many columns; the first begins with `start`, by default the spaces that it had, all others
 * with `indent`. A longer word is cut into pieces.
 */
export function wrap(text: string, width: number, indent = '', start = /^ */.exec(text)?.[0] ?? ''): string[] {
  const words = text.trimStart().split(/ +/);
  const lines: string[] = [];
  let [line, isEmpty] = [start, true];
  for (const word of words.flatMap((each) => pieces(each, width - Math.max(start.length, indent.length)))) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      [line, isEmpty] = [indent, true];
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function pieces(word: string, length: number): string[] {
  return word.match(new RegExp(`.{1,${Math.max(length, 1)}}`, 'gu')) ?? [''];
}

/** "12 s", "5 min", "3 h", "2 d": for how long. @param seconds undefined gives a dash */
export function age(seconds: number | undefined): string {
  if (seconds === undefined || Number.isNaN(seconds)) return '-';
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** @param since ISO 8601 */
export function ageSince(since: string | undefined, nowMs: number): string {
  return age(since === undefined ? undefined : (nowMs - Date.parse(since)) / 1_000);
}

/** What people wrote, or servers said, must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** As one line, for a row or a cell. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\u{a}');
}

/** A line of a log, whose tabs stay. */
export function printableLog(line: string): string {
  return line.split('\t').map(printableLine).join('\t');
}

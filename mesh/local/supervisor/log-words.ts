type Line = {
  readonly msg: string;
  readonly err?: { readonly message?: string };
  readonly advice?: readonly string[];
};

/** What a line of JSON says, for a person who is told why something failed; any other line as it is. */
export function lineInWords(line: string): string {
  const said = parse(line);
  if (said === undefined) return line;
  const { msg, err, advice = [] } = said;
  return [err?.message === undefined ? msg : `${msg}: ${err.message}`, ...advice].join('\n');
}

/** The same of several lines. */
export function linesInWords(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .flatMap((line) => lineInWords(line).split('\n'));
}

function parse(line: string): Line | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null && 'msg' in said && typeof said.msg === 'string'
      ? (said as Line)
      : undefined;
  } catch {
    // It is cut off, or another program's.
    return undefined;
  }
}

/** Rows of cells as text, in columns. @param numbers columns that stand to the right */
export function table(rows: readonly (readonly string[])[], numbers: readonly number[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)));
  const pad = (cell: string, column: number): string => {
    const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length));
    return numbers.includes(column) ? space + cell : cell + space;
  };
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

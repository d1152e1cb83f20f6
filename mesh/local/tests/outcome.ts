/** What came of one check or one file of tests. */
export type Outcome = {
  /** A path from the root of the repository, or the name of a check. */
  readonly name: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Names of tests that were left out. */
  readonly skipped: readonly string[];
  /** What tests told by `context.diagnostic`. */
  readonly notes: readonly string[];
  readonly ms: number;
  /** What it printed, its end at least; shown when something failed. */
  readonly output: string;
};

export type Failure = { readonly name: string; readonly message: string };

/** Lines that tell a person about it: one when it passed, everything when it did not. */
export function describeOutcome(outcome: Outcome): string {
  const failed = outcome.failures.length;
  const counts = `${outcome.passed} passed${failed > 0 ? `, ${failed} failed` : ''}`;
  const seconds = `${(outcome.ms / 1_000).toFixed(1)} s`;
  const lines = [
    `  ${failed === 0 ? '✓' : '✗'} ${outcome.name.padEnd(56)} ${counts.padStart(12)} ${seconds.padStart(8)}`,
  ];
  for (const failure of outcome.failures) lines.push(`      ✗ ${failure.name}`, indent(failure.message));
  for (const name of outcome.skipped) lines.push(`      - skipped: ${name}`);
  if (failed > 0 && outcome.output !== '') lines.push('      output:', indent(outcome.output));
  return lines.join('\n');
}

/** The closing line of a run, the one that CI reads. */
export function closingLine(outcomes: readonly Outcome[]): string {
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failures.length, 0);
  return `${passed} passed, ${failed} failed`;
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n');
}

import { printable } from '../../../cli/printable.ts';
import type { Status } from '../overview.ts';
import { headline } from './headline.ts';
import { renderProblems } from './problems.ts';
import {
  consumerTable,
  diskLine,
  keyLine,
  limitLines,
  machineLine,
  mailLine,
  outboxTable,
  processTable,
  rateTable,
} from './tables.ts';
import { wrap } from './text.ts';

/** All of it as text: the first line says whether people are served, then come problems, worst first, then tables. */
export function render(status: Status, nowMs: number, width: number): string {
  // It is one sentence, with nothing beside which it would have to fit.
  if (status.processes.length === 0) return printable(status.summary);
  const first = headline(status, width);
  const parts = [`${first}\n${status.summary}`];
  const problems = renderProblems(status.problems, nowMs, width);
  if (problems.length > 0) parts.push(problems.join('\n'));
  const lines = [limitLines(status), mailLine(status), keyLine(status), machineLine(status), diskLine(status)];
  parts.push(processTable(status, nowMs), rateTable(status), outboxTable(status), consumerTable(status, nowMs));
  parts.push(lines.filter((line) => line !== undefined).join('\n'));
  return printable(parts.join('\n\n'))
    .split('\n')
    .flatMap((line) => (line.length <= width ? [line] : wrap(line, width, '  ')))
    .join('\n');
}

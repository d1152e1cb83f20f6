import type { Problem } from '../judge/problem.ts';
import { ageSince, wrap } from './text.ts';

/** So many are shown in full; a stack that fails altogether has one cause and many signs. */
const mostShown = 12;

/** Worst first, each with what people notice, since when, what to type next, and the runbook that helps. */
export function renderProblems(problems: readonly Problem[], nowMs: number, width: number): string[] {
  const shown = problems.slice(0, mostShown);
  const left = problems.length - shown.length;
  return [
    ...shown.flatMap((each, index) => [...(index === 0 ? [] : ['']), ...renderProblem(each, index + 1, nowMs, width)]),
    ...(left > 0 ? ['', `and ${left} more: ./oxo status --json lists all`] : []),
  ];
}

function renderProblem(found: Problem, number: number, nowMs: number, width: number): string[] {
  const { alert, impact, what, noticed, since, next, runbook } = found;
  const when = since === undefined ? '' : `, for ${ageSince(since, nowMs)}`;
  const rows = [
    ['people', noticed],
    ['next', next],
    ['runbook', runbook ?? 'none'],
  ];
  const indent = ' '.repeat(11);
  return [
    ...wrap(`${number}. ${oneLine(what)} [${impact}: ${alert}${when}]`, width, '   '),
    ...rows.flatMap(([name = '', text = '']) => wrap(oneLine(text), width, indent, `   ${name.padEnd(8)}`)),
  ];
}

/** What others said may have lines of its own. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

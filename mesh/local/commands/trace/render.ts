import { printableLine } from '../../cli/printable.ts';
import { formatTable } from '../../cli/terminal.ts';
import type { Span } from '../../observability/traces/span.ts';
import { type Row, rowsOf, type TraceSummary } from '../../observability/traces/tree.ts';

const barWidth = 30;
const maxListed = 25;

/** The latest traces, one a line. */
export function renderList(traces: readonly TraceSummary[]): string {
  if (traces.length === 0) return 'no trace yet: send a request (./oxo trace --help says which are traced)';
  const rows = traces
    .slice(0, maxListed)
    .map(({ traceId, startMs, durationMs, spans, errors, service, name }) => [
      traceId,
      new Date(startMs).toISOString().slice(11, 23),
      milliseconds(durationMs),
      String(spans),
      errors === 0 ? '' : `${errors} ✗`,
      printableLine(`${service}: ${name}`),
    ]);
  return formatTable([['trace', 'at (UTC)', 'ms', 'spans', 'errors', 'request'], ...rows]);
}

/** One trace as a tree. @param telemetry the page that shows it */
export function renderTrace(summary: TraceSummary, spans: readonly Span[], telemetry: string): string {
  const { traceId, requestId, startMs, durationMs, errors, services, dropped } = summary;
  const rows = rowsOf(spans).flatMap((row) => lineOf(row, durationMs));
  const facts = [
    `trace ${traceId}${requestId === undefined ? '' : `, request ${requestId}`}`,
    `${new Date(startMs).toISOString().replace('T', ' ').replace('Z', ' UTC')}, ${milliseconds(durationMs)} ms, ${spans.length} spans of ${services.join(', ')}` +
      `${errors === 0 ? '' : `, ${errors} ${errors === 1 ? 'error' : 'errors'} ✗`}`,
    ...(dropped === 0 ? [] : [`${dropped} more spans were too many and are not kept`]),
  ];
  const table = formatTable([['at ms', 'takes ms', '', 'span'], ...rows]);
  return `${facts.map(printableLine).join('\n')}\n\n${table}\n\n${telemetry}/traces/${traceId}`;
}

function lineOf(row: Row, totalMs: number): string[][] {
  const cells = [milliseconds(row.offsetMs), milliseconds(row.durationMs), bar(row, totalMs)];
  if (!('span' in row)) {
    return [
      [...cells, `${branch(row)}┄ ${row.gap === 'waiting' ? 'waiting for what comes next' : 'nothing recorded'}`],
    ];
  }
  const { service, name, error } = row.span;
  const line = [...cells, `${branch(row)}${printableLine(`${service}: ${name}`)}${error === undefined ? '' : ' ✗'}`];
  if (error === undefined || error === '') return [line];
  return [line, ['', '', '', `${below(row)}✗ ${printableLine(error)}`]];
}

/** `│  ├─ ` */
function branch({ follows }: Row): string {
  return follows
    .map((more, index) => (index === follows.length - 1 ? (more ? '├─ ' : '└─ ') : more ? '│  ' : '   '))
    .join('');
}

function below({ follows }: Row): string {
  return `${follows.map((more) => (more ? '│  ' : '   ')).join('')}   `;
}

/** Where in the whole a row lies. */
function bar(row: Row, totalMs: number): string {
  const scale = barWidth / Math.max(totalMs, 0.001);
  const from = Math.min(barWidth - 1, Math.floor(row.offsetMs * scale));
  const long = Math.max(1, Math.min(barWidth - from, Math.round(row.durationMs * scale)));
  return `${'·'.repeat(from)}${('span' in row ? '█' : '┄').repeat(long)}`.padEnd(barWidth, '·');
}

function milliseconds(ms: number): string {
  return ms.toFixed(2);
}

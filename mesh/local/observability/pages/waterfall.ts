import type { Trace } from '../traces/index.ts';
import { type Row, rowsOf, summarise } from '../traces/tree.ts';
import { colourOf, escapeHtml, formatMs, page } from './layout.ts';

/** Of the drawing, in which a bar has a place and a width. */
const width = 1_000;

/**
 * One trace: its spans as a tree, each with its time; a row opens to what the span tells.
 * @param others traces of the same request id
 */
export function waterfallPage(trace: Trace, others: readonly string[] = []): string {
  const summary = summarise(trace);
  const { traceId, requestId, service, name, startMs, durationMs, spans, errors, services, dropped } = summary;
  const facts: readonly (readonly [string, string])[] = [
    ['started', `${new Date(startMs).toISOString().slice(0, 23).replace('T', ' ')} UTC`],
    ['took', formatMs(durationMs)],
    ['spans', `${spans}${dropped > 0 ? `, and ${dropped} more that were too many` : ''}`],
    ['services', services.join(', ')],
    ['trace', traceId],
    ...(requestId === undefined ? [] : [['request', requestId] as const]),
  ];
  return page(
    `${service}: ${name}`,
    'traces',
    `<div class="facts">${facts.map(([what, value]) => `<span>${what} <b>${escapeHtml(value)}</b></span>`).join('')}
${errors > 0 ? `<span class="bad">${errors} ${errors === 1 ? 'error' : 'errors'}</span>` : ''}</div>
<p class="faint">In the terminal: <code>./oxo trace ${escapeHtml(traceId)}</code></p>
${othersHtml(others)}${rowsOf(trace.spans)
  .map((row) => rowHtml(row, durationMs))
  .join('\n')}`,
  );
}

function othersHtml(others: readonly string[]): string {
  if (others.length === 0) return '';
  const links = others.map((id) => `<a href="/traces/${escapeHtml(id)}">${escapeHtml(id)}</a>`);
  return `<p>This is the latest trace with this request id, which whoever calls may repeat. Before it: ${links.join(', ')}</p>\n`;
}

function rowHtml(row: Row, totalMs: number): string {
  const indent = '&nbsp;'.repeat(row.depth * 3);
  if (!('span' in row)) {
    const what = row.gap === 'waiting' ? 'waiting for what comes next' : 'nothing recorded';
    return `<div class="gap"><span>${indent}${what}</span><span class="number">${formatMs(row.durationMs)}</span>${bar(row, totalMs, undefined)}</div>`;
  }
  const { span } = row;
  const isBad = span.error !== undefined;
  return `<details><summary><span title="${escapeHtml(span.name)}">${indent}<b>${escapeHtml(span.service)}</b> <span${isBad ? ' class="bad"' : ''}>${escapeHtml(span.name)}${isBad ? ' ✗' : ''}</span></span>
<span class="number">${formatMs(row.durationMs)}</span>${bar(row, totalMs, colourOf(span.service))}</summary>${detailsHtml(row)}</details>`;
}

function detailsHtml(row: Extract<Row, { span: unknown }>): string {
  const { span, offsetMs } = row;
  const facts: readonly (readonly [string, string])[] = [
    ['kind', span.kind],
    ['offset', formatMs(offsetMs)],
    ...(span.error === undefined ? [] : [['error', span.error || 'yes'] as const]),
    ...Object.entries(span.attributes).map(([name, value]) => [name, String(value)] as const),
    ...span.events.map(({ name, atMs, detail }) => [`${name} after ${formatMs(atMs - span.startMs)}`, detail] as const),
    ['span', span.spanId],
  ];
  return `<table><tbody>${facts.map(([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</tbody></table>`;
}

function bar({ offsetMs, durationMs }: Row, totalMs: number, colour: string | undefined): string {
  const scale = width / Math.max(totalMs, 0.001);
  const x = Math.min(width - 2, offsetMs * scale).toFixed(1);
  const long = Math.max(2, durationMs * scale).toFixed(1);
  const shape =
    colour === undefined
      ? `<line x1="${x}" x2="${(Number(x) + Number(long)).toFixed(1)}" y1="7" y2="7" stroke="currentColor" stroke-width="1.5" stroke-dasharray="6 6" vector-effect="non-scaling-stroke"/>`
      : `<rect x="${x}" y="2" width="${long}" height="10" fill="${colour}"/>`;
  return `<svg class="bar" viewBox="0 0 ${width} 14" preserveAspectRatio="none" aria-hidden="true">${shape}</svg>`;
}

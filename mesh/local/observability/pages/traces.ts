import { maxResults, type TraceQuery } from '../traces/search.ts';
import type { TraceSummary } from '../traces/tree.ts';
import { escapeHtml, formatMs, page } from './layout.ts';

/** The list of traces, with what one may look for. */
export function tracesPage(found: readonly TraceSummary[], query: TraceQuery): string {
  const { id = '', service = '', errors = false, background = false, slowerThanMs } = query;
  const isAsked = id !== '' || service !== '' || errors || slowerThanMs !== undefined;
  const none = isAsked
    ? 'No trace is like that. What is not sampled has none: OTEL_TRACES_SAMPLER_ARG says how many are.'
    : 'No trace has come yet. Each request is traced, or the share of OTEL_TRACES_SAMPLER_ARG.';
  return page(
    'Traces',
    'traces',
    `<form>
<label>Trace or request id <input name="id" type="search" size="36" maxlength="100" value="${escapeHtml(id)}"></label>
<label>Service <input name="service" size="10" maxlength="100" value="${escapeHtml(service)}"></label>
<label>Longer than (ms) <input name="slower" type="number" min="0" step="any" value="${escapeHtml(slowerThanMs ?? '')}"></label>
<label class="check"><input name="errors" type="checkbox" value="yes"${errors ? ' checked' : ''}> with errors</label>
<label class="check"><input name="background" type="checkbox" value="yes"${background ? ' checked' : ''}> background work too</label>
<button>Show</button>
</form>
${found.length === 0 ? `<p>${none}</p>` : table(found)}
${found.length === maxResults ? `<p class="faint">These are the latest ${maxResults}.</p>` : ''}`,
  );
}

function table(found: readonly TraceSummary[]): string {
  return `<table><thead><tr><th>Time (UTC)</th><th>Request</th><th>Services</th><th class="number">Duration</th><th class="number">Spans</th><th class="number">Errors</th></tr></thead>
<tbody>${found.map(row).join('\n')}</tbody></table>`;
}

function row({ traceId, name, service, services, startMs, durationMs, spans, errors }: TraceSummary): string {
  const at = new Date(startMs).toISOString();
  return `<tr><td><time datetime="${at}">${at.slice(0, 23).replace('T', ' ')}</time></td>
<td><a href="/traces/${escapeHtml(traceId)}">${escapeHtml(`${service}: ${name}`)}</a></td><td>${escapeHtml(services.join(', '))}</td>
<td class="number">${formatMs(durationMs)}</td><td class="number">${spans}</td><td class="number${errors > 0 ? ' bad' : ''}">${errors}</td></tr>`;
}

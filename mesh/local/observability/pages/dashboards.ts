import { messageOf } from '../../cli/cli-error.ts';
import { inParallel } from '../../client/in-parallel.ts';
import { queryAt, queryRange, type Range, type Series } from '../prometheus-client.ts';
import { chart, type Line } from './chart.ts';
import {
  type Dashboard,
  isBad,
  legendOf,
  type Panel,
  readDashboard,
  readDashboards,
  valuesOf,
  withValues,
} from './grafana.ts';
import { escapeHtml, page } from './layout.ts';
import { formatValue } from './units.ts';

/** How far back a page looks. */
const ranges: Readonly<Record<string, number>> = {
  '5m': 300,
  '15m': 900,
  '1h': 3_600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
};
const usualRange = '15m';
const pointsOfLine = 120;
const scrapeSeconds = 5;
const maxPanels = 64;
const queriesAtOnce = 4;
const maxRows = 20;

type Asked = { readonly prometheusUrl: string; readonly nowMs: number; readonly parameters: URLSearchParams };

/** All dashboards. */
export function dashboardIndex(): string {
  const dashboards = readDashboards();
  const rows = dashboards.map(
    ({ name, title, description }) =>
      `<tr><td><a href="/dashboards/${escapeHtml(name)}">${escapeHtml(title)}</a></td><td>${escapeHtml(description)}</td></tr>`,
  );
  const list = `<table><tbody>${rows.join('\n')}</tbody></table>
<p class="faint">They are those of Grafana in a cluster (mesh/observability), drawn here from what Prometheus has.</p>`;
  return page('Dashboards', 'dashboards', dashboards.length === 0 ? '<p>There are none.</p>' : list);
}

/** One dashboard with the values of now; undefined when there is none of this name. */
export async function dashboardPage(name: string, asked: Asked): Promise<string | undefined> {
  const dashboard = readDashboard(name);
  if (dashboard === undefined) return undefined;
  const chosen = asked.parameters.get('range') ?? usualRange;
  const rangeSeconds = ranges[chosen] ?? ranges[usualRange] ?? 900;
  const stepSeconds = Math.max(scrapeSeconds, Math.ceil(rangeSeconds / pointsOfLine));
  const endSeconds = Math.floor(asked.nowMs / 1_000 / stepSeconds) * stepSeconds;
  const range: Range = { startSeconds: endSeconds - rangeSeconds, endSeconds, stepSeconds };
  const values = valuesOf(dashboard, asked.parameters, { stepSeconds, rangeSeconds });
  const panels = dashboard.panels.slice(0, maxPanels);
  const drawn = new Map<Panel, string>();
  await inParallel(panels, queriesAtOnce, async (panel) => {
    drawn.set(panel, await panelHtml(panel, { prometheusUrl: asked.prometheusUrl, range, values }));
  });
  return page(
    dashboard.title,
    'dashboards',
    `<p class="faint">${escapeHtml(dashboard.description)}</p>
${rangeForm(dashboard, chosen, asked.parameters)}
<div class="grid">${panels.map((panel) => drawn.get(panel) ?? '').join('\n')}</div>`,
  );
}

function rangeForm({ variables }: Dashboard, chosen: string, parameters: URLSearchParams): string {
  const options = Object.keys(ranges).map((range) => `<option${range === chosen ? ' selected' : ''}>${range}</option>`);
  const shown = variables.filter(({ type }) => type !== 'datasource' && type !== 'constant');
  const fields = shown.map(({ name }) => {
    const value = parameters.get(`var-${name}`) ?? '';
    return `<label>${escapeHtml(name)} <input name="var-${escapeHtml(name)}" maxlength="100" size="12" placeholder="all" value="${escapeHtml(value)}"></label>`;
  });
  return `<form><label>The last <select name="range">${options.join('')}</select></label>${fields.join('')}<button>Show</button></form>`;
}

type Drawing = {
  readonly prometheusUrl: string;
  readonly range: Range;
  readonly values: ReadonlyMap<string, string>;
};

async function panelHtml(panel: Panel, drawing: Drawing): Promise<string> {
  if (panel.type === 'row') return `<h2 class="row">${escapeHtml(withValues(panel.title, drawing.values))}</h2>`;
  const title = panel.description === undefined ? '' : ` title="${escapeHtml(panel.description)}"`;
  const body = await bodyOf(panel, drawing).catch(
    (error: unknown) => `<p class="failed">${escapeHtml(messageOf(error))}</p>`,
  );
  return `<section class="panel w${Math.round(panel.gridPos?.w ?? 12)}"><h3${title}>${escapeHtml(withValues(panel.title, drawing.values))}</h3>${body}</section>`;
}

async function bodyOf(panel: Panel, drawing: Drawing): Promise<string> {
  const unit = panel.fieldConfig?.defaults.unit ?? 'short';
  if (panel.type === 'text') return `<p>${escapeHtml(withoutMarks(panel.options?.content ?? ''))}</p>`;
  const { prometheusUrl, range } = drawing;
  if (panel.type === 'timeseries' || panel.type === 'graph')
    return chart(await linesOf(panel, drawing, (query) => queryRange(prometheusUrl, query, range)), range, unit);
  const lines = await linesOf(panel, drawing, (query) => queryAt(prometheusUrl, query, range.endSeconds));
  const shown = lines.slice(0, maxRows).map(({ label, points }) => {
    const value = points.at(-1)?.[1] ?? Number.NaN;
    return { label, text: escapeHtml(formatValue(value, unit)), mark: isBad(panel, value) ? ' bad' : '' };
  });
  const [only] = shown;
  if (only === undefined) return '<p class="faint">none</p>';
  if (shown.length === 1 && panel.type !== 'table') return `<div class="stat${only.mark}">${only.text}</div>`;
  const rows = shown.map(
    ({ label, text, mark }) => `<tr><td>${escapeHtml(label)}</td><td class="number${mark}">${text}</td></tr>`,
  );
  return `<table><tbody>${rows.join('')}</tbody></table>`;
}

/** Markdown as plain text: the name of a link stands for it. */
function withoutMarks(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replace(/[`*#]/g, '');
}

async function linesOf(
  { targets }: Panel,
  { values }: Pick<Drawing, 'values'>,
  query: (query: string) => Promise<Series[]>,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { expr, legendFormat } of targets) {
    if (expr === '') continue;
    const series = await query(withValues(expr, values));
    lines.push(...series.map(({ labels, points }) => ({ label: legendOf(legendFormat, labels), points })));
  }
  return lines;
}

/** Grafana's JSON of a dashboard (schema 42, Grafana 12). */
import type { Chart, Dashboard, Panel, Text, Variable } from './model.ts';

const schemaVersion = 42;
const datasource = { type: 'prometheus', uid: '$datasource' };
const widths = { lines: 12, number: 6, table: 12, text: 12 } as const;
const heights = { lines: 8, number: 4, table: 8, text: 8 } as const;
const columns = 24;

/** @returns JSON as it stands in the file */
export function renderDashboard(dashboard: Dashboard): string {
  const { uid, title, description, variables } = dashboard;
  const whole = {
    uid,
    title: `OXO / ${title}`,
    description,
    tags: ['oxo'],
    schemaVersion,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'utc',
    annotations: { list: [firingAlerts] },
    links: links(),
    templating: { list: [datasourceVariable, ...variables.map(renderVariable)] },
    panels: layOut(dashboard),
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

const firingAlerts = {
  name: 'Alerts',
  datasource,
  enable: true,
  hide: false,
  iconColor: 'red',
  expr: 'max by (alertname, severity) (ALERTS{alertstate="firing"})',
  titleFormat: '{{alertname}}',
  textFormat: '{{severity}}',
  step: '60s',
};

/** To our other dashboards, and to Istio's own, which whoever installs Istio imports (README). */
function links(): object[] {
  return [
    { type: 'dashboards', title: 'OXO', tags: ['oxo'], asDropdown: true, keepTime: true, includeVars: false },
    { type: 'link', title: 'Istio', icon: 'external link', url: '/dashboards?query=Istio', keepTime: true },
  ];
}

const datasourceVariable = {
  name: 'datasource',
  label: 'Prometheus',
  type: 'datasource',
  query: 'prometheus',
  current: {},
  hide: 0,
};

function renderVariable({ name, label, metric, of }: Variable): object {
  const query = `label_values(${metric}, ${of})`;
  return {
    ...{ name, label, type: 'query', datasource, definition: query, query: { query, refId: name } },
    ...{ includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
    ...{ refresh: 2, sort: 1, hide: 0 },
  };
}

/** Panels from left to right, as long as a line has room. */
function layOut({ rows }: Dashboard): object[] {
  const panels: object[] = [];
  let [x, y, lineHeight] = [0, 0, 0];
  const nextLine = (): void => {
    [x, y, lineHeight] = [0, y + lineHeight, 0];
  };
  for (const row of rows) {
    nextLine();
    const title = { type: 'row', title: row.title, collapsed: false, panels: [] };
    panels.push({ id: panels.length + 1, ...title, gridPos: { x: 0, y, w: columns, h: 1 } });
    y += 1;
    for (const panel of row.panels) {
      const [w, h] = [widths[panel.kind], heights[panel.kind]];
      if (x + w > columns) nextLine();
      panels.push({ id: panels.length + 1, ...renderPanel(panel), gridPos: { x, y, w, h } });
      [x, lineHeight] = [x + w, Math.max(lineHeight, h)];
    }
  }
  return panels;
}

function renderPanel(panel: Panel): object {
  return panel.kind === 'text' ? renderText(panel) : renderChart(panel);
}

function renderText({ title, description, text }: Text): object {
  return { type: 'text', title, description, options: { mode: 'markdown', content: text } };
}

const types = { lines: 'timeseries', number: 'stat', table: 'table' } as const;

function renderChart(chart: Chart): object {
  const { kind, title, description } = chart;
  return {
    ...{ type: types[kind], title, description, datasource },
    fieldConfig: { defaults: defaultsOf(chart), overrides: [] },
    options: optionsOf(chart),
    targets: chart.queries.map(({ expr, legend }, index) => ({
      ...{ refId: String.fromCharCode('A'.charCodeAt(0) + index), datasource, editorMode: 'code', expr },
      legendFormat: legend,
      ...(kind === 'table' ? { instant: true, range: false, format: 'table' } : { instant: false, range: true }),
    })),
    ...(kind === 'table' ? { transformations: [withoutTime] } : {}),
  };
}

const withoutTime = {
  id: 'organize',
  options: { excludeByName: { Time: true, __name__: true, alertstate: true }, indexByName: {}, renameByName: {} },
};

function defaultsOf(chart: Chart): object {
  const { unit, kind, stacked = false, bad } = chart;
  const lines = {
    ...{ lineWidth: 1, fillOpacity: stacked ? 40 : 8, showPoints: 'never', spanNulls: false },
    stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: bad === undefined ? 'off' : 'dashed' },
  };
  return {
    unit,
    thresholds: { mode: 'absolute', steps: stepsOf(chart) },
    ...(kind === 'lines' ? { min: 0, color: { mode: 'palette-classic' }, custom: lines } : {}),
    ...(kind === 'number' ? { color: { mode: 'thresholds' }, noValue: 'none' } : {}),
  };
}

function stepsOf({ bad, notGood, lessIsWorse = false }: Chart): object[] {
  if (bad === undefined) return [{ color: 'green', value: null }];
  const middle = notGood === undefined ? [] : [{ color: 'orange', value: lessIsWorse ? bad : notGood }];
  return lessIsWorse
    ? [{ color: 'red', value: null }, ...middle, { color: 'green', value: notGood ?? bad }]
    : [{ color: 'green', value: null }, ...middle, { color: 'red', value: bad }];
}

function optionsOf({ kind }: Chart): object {
  switch (kind) {
    case 'lines':
      return {
        legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
    case 'number':
      return {
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        ...{ colorMode: 'value', graphMode: 'area', justifyMode: 'auto', orientation: 'auto', textMode: 'auto' },
      };
    case 'table':
      return { showHeader: true, cellHeight: 'sm' };
  }
}

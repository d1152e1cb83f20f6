/** What a dashboard is to us: rows of panels with queries. render.ts makes Grafana's JSON of it. */

/** Where a query finds data: on a stack of one machine too, or only in a cluster, whose operators and kubelets tell it. */
export type Place = 'everywhere' | 'cluster';

export type Query = {
  /** PromQL; `$__rate_interval` where a rate needs a window, and the variables of the dashboard. */
  readonly expr: string;
  /** Name of a line, with labels as `{{rpc}}`. */
  readonly legend: string;
  readonly place?: Place;
};

type PanelText = {
  readonly title: string;
  /** What it shows, and what to think of it. */
  readonly description: string;
};

export type Chart = PanelText & {
  /** Lines over time, one number, or a table of what is there now. */
  readonly kind: 'lines' | 'number' | 'table';
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** From here on it is bad (red), and before that not good (orange). */
  readonly bad?: number;
  readonly notGood?: number;
  /** Whether less is worse. */
  readonly lessIsWorse?: boolean;
  readonly stacked?: boolean;
};

/** Markdown. */
export type Text = PanelText & { readonly kind: 'text'; readonly text: string };
export type Panel = Chart | Text;

/** As Grafana names them. */
export type Unit = 'short' | 's' | 'ms' | 'bytes' | 'Bps' | 'percentunit' | 'reqps' | 'ops' | 'none' | 'bool_on_off';

/** Chosen by who looks; the values are those of a label of a metric. */
export type Variable = {
  readonly name: string;
  readonly label: string;
  readonly metric: string;
  readonly of: string;
};

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

export type Dashboard = {
  /** Stays the same for ever: links and bookmarks have it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
};

/** Every chart of a dashboard. */
export function chartsOf({ rows }: Dashboard): Chart[] {
  return rows.flatMap(({ panels }) => panels).filter((panel) => panel.kind !== 'text');
}

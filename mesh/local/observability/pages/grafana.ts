/** Reads the dashboards that a cluster gives to Grafana (mesh/observability), as far as they can be shown here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { repositoryRoot } from '../../settings.ts';

const dashboardsDir = join(repositoryRoot, 'mesh/observability/generated/dashboards');
/** A value in an address of the page, put into a query. */
const safeValue = /^[\w .:*+|-]{1,100}$/;

const thresholdSchema = z.object({ color: z.string(), value: z.number().nullish() });
const panelSchema = z.object({
  title: z.string().default(''),
  description: z.string().optional(),
  type: z.string(),
  gridPos: z
    .object({ w: z.number().min(1).max(24).default(12), x: z.number().default(0), y: z.number().default(0) })
    .optional(),
  targets: z.array(z.object({ expr: z.string().default(''), legendFormat: z.string().optional() })).default([]),
  fieldConfig: z
    .object({
      defaults: z
        .object({ unit: z.string().optional(), thresholds: z.object({ steps: z.array(thresholdSchema) }).optional() })
        .default({}),
    })
    .optional(),
  options: z.object({ content: z.string().optional() }).optional(),
});
const variableSchema = z.object({
  name: z.string(),
  type: z.string(),
  allValue: z.string().nullish(),
  current: z.object({ value: z.union([z.string(), z.array(z.string())]).optional() }).optional(),
  query: z.unknown().optional(),
});
const dashboardSchema = z.object({
  title: z.string(),
  description: z.string().default(''),
  panels: z.array(panelSchema.extend({ panels: z.array(panelSchema).optional() })).default([]),
  templating: z.object({ list: z.array(variableSchema).default([]) }).default({ list: [] }),
});

export type Panel = z.infer<typeof panelSchema>;
export type Dashboard = {
  /** Of the file, without its end. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Those of rows among the others. */
  readonly panels: readonly Panel[];
  readonly variables: readonly z.infer<typeof variableSchema>[];
};

/** All of them, by their names; one that can't be read is left out. */
export function readDashboards(folder: string = dashboardsDir): Dashboard[] {
  return namesIn(folder).flatMap((name) => readDashboard(name, folder) ?? []);
}

/** @returns undefined when there is none of this name, or it can't be read */
export function readDashboard(name: string, folder: string = dashboardsDir): Dashboard | undefined {
  if (!namesIn(folder).includes(name)) return undefined;
  try {
    const read = dashboardSchema.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
    const panels = read.panels.flatMap(({ panels: inRow = [], ...panel }) => [panel, ...inRow]);
    return { name, title: read.title, description: read.description, panels, variables: read.templating.list };
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    const files = readdirSync(folder).filter((file) => /^[\w-]+\.json$/.test(file));
    return files.map((file) => file.slice(0, -'.json'.length)).sort();
  } catch {
    return [];
  }
}

/** What stands in place of each variable, also of Grafana's own. @param given `var-<name>` of the page's address */
export function valuesOf(
  { variables }: Pick<Dashboard, 'variables'>,
  given: URLSearchParams,
  { stepSeconds, rangeSeconds }: { readonly stepSeconds: number; readonly rangeSeconds: number },
): ReadonlyMap<string, string> {
  const values = new Map<string, string>([
    ['__interval', `${stepSeconds}s`],
    // Four scrapes at least, as Grafana has it.
    ['__rate_interval', `${Math.max(30, stepSeconds * 2)}s`],
    ['__range', `${rangeSeconds}s`],
  ]);
  for (const { name, allValue, current } of variables) {
    const own = given.get(`var-${name}`);
    const value = own !== null && safeValue.test(own) ? own : current?.value;
    const one = Array.isArray(value) ? value.join('|') : (value ?? '');
    values.set(name, one === '$__all' || one === 'All' || one === '' ? (allValue ?? '.*') : one);
  }
  return values;
}

/** A query with its variables replaced: `$name`, `${name}`, `${name:format}`, `[[name]]`. */
export function withValues(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]/g, (whole, plain, braced, bracketed) => {
    return values.get(plain ?? braced ?? bracketed) ?? whole;
  });
}

/** Whether a value has reached a threshold that a panel shows in red. */
export function isBad({ fieldConfig }: Panel, value: number): boolean {
  const steps = fieldConfig?.defaults.thresholds?.steps ?? [];
  return steps.findLast((step) => value >= (step.value ?? Number.NEGATIVE_INFINITY))?.color === 'red';
}

/** A legend with the labels of a series in it: `{{rpc}}`. */
export function legendOf(format: string | undefined, labels: Readonly<Record<string, string>>): string {
  if (format !== undefined && format !== '' && format !== '__auto')
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '').trim() || 'value';
  const { __name__: whole = '', alertname, ...rest } = labels;
  const name = alertname ?? whole;
  const told = Object.entries(rest).filter(([label]) => label !== 'alertstate');
  const pairs = told.map(([label, value]) => `${label}=${value}`);
  return [name, ...pairs].filter((part) => part !== '').join(' ') || 'value';
}

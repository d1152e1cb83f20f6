/** A metric as a process exports it. */
export type Family = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: number;
  /** Upper bounds of a histogram's buckets, as they are written, without +Inf. */
  readonly buckets: readonly string[];
  /** Every value that its labels have, by the label; without `le` of buckets. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
};

type Draft = {
  name: string;
  type: string;
  help: string;
  series: number;
  buckets: string[];
  labels: Map<string, Set<string>>;
};

/** Reads Prometheus' text format from a process. @throws Error when it does not answer, or tells what was not announced */
export async function readMetrics(url: string): Promise<Family[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const families = new Map<string, Draft>();
  let current: Draft | undefined;
  for (const line of (await response.text()).split('\n')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      current = { name, type: '', help: rest, series: 0, buckets: [], labels: new Map() };
      families.set(name, current);
    } else if (word === 'TYPE' && current !== undefined) current.type = rest;
    else if (line !== '') addSeries(current, line);
  }
  return [...families.values()];
}

function addSeries(family: Draft | undefined, line: string): void {
  if (family === undefined || !line.startsWith(family.name)) throw new Error(`not announced: ${line}`);
  family.series += 1;
  for (const [, label = '', value = ''] of line.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (label === 'le') {
      if (value !== '+Inf' && !family.buckets.includes(value)) family.buckets.push(value);
      continue;
    }
    const values = family.labels.get(label) ?? new Set();
    family.labels.set(label, values.add(value));
  }
}

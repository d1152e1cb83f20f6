/** One line of Prometheus' text format. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** Lines that are none are left out. @param text in Prometheus' text format */
export function parseSamples(text: string): Sample[] {
  return text.split('\n').flatMap((each) => {
    const match = line.exec(each);
    if (match === null) return [];
    const [, name = '', labels = '', value] = match;
    return [{ name, labels: parseLabels(labels), value: Number(value?.replace('Inf', 'Infinity')) }];
  });
}

function parseLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(label)].map(([, name = '', value = '']) => [
    name,
    value.replace(/\\./g, (each) => escapes[each] ?? each),
  ]);
  return Object.fromEntries(pairs);
}

/** All samples of a metric that have these labels. */
export function samplesOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  const wanted = Object.entries(labels);
  return samples.filter((each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value));
}

/** Undefined when there is none. */
export function sumOf(samples: readonly Sample[]): number | undefined {
  return samples.length === 0 ? undefined : samples.reduce((sum, { value }) => sum + value, 0);
}

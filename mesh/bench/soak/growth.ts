/** Memory of every server at one moment. */
export type Sample = {
  readonly atMs: number;
  /** Proportional set sizes by name. */
  readonly bytes: Readonly<Record<string, number>>;
};

export type Growth = {
  readonly name: string;
  readonly firstMib: number;
  readonly lastMib: number;
  /** MiB a minute over the second half, by least squares. */
  readonly slope: number;
};

const mib = 1024 * 1024;
const msPerMinute = 60_000;

/** How each server grew. The first half is left out: caches fill and code is compiled then. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return [];
  const middleMs = (first.atMs + last.atMs) / 2;
  const secondHalf = samples.filter(({ atMs }) => atMs >= middleMs);
  return Object.keys(last.bytes).map((name) => {
    const inMib = ({ bytes }: Sample): number => (bytes[name] ?? 0) / mib;
    const points = secondHalf.map((sample) => [sample.atMs / msPerMinute, inMib(sample)] as const);
    return { name, firstMib: inMib(first), lastMib: inMib(last), slope: slopeOf(points) };
  });
}

/** Of the line with the least squares through the points; 0 when they are fewer than two. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const below = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return below > 0 ? above / below : 0;
}

/** One line a server, widest growth first. */
export function renderGrowth(growth: readonly Growth[]): string {
  const lines = [...growth]
    .sort((a, b) => b.slope - a.slope)
    .map(({ name, firstMib, lastMib, slope }) =>
      [
        name.padEnd(10),
        `${firstMib.toFixed(1)} → ${lastMib.toFixed(1)} MiB`.padEnd(24),
        `${slope >= 0 ? '+' : ''}${slope.toFixed(2)} MiB/min`,
      ].join(' '),
    );
  return ['memory (PSS) and its slope over the second half', ...lines.map((line) => `  ${line}`)].join('\n');
}

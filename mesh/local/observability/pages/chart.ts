import type { Range, Series } from '../prometheus-client.ts';
import { escapeHtml } from './layout.ts';
import { formatValue } from './units.ts';

export type Line = { readonly label: string; readonly points: Series['points'] };

const [width, height] = [600, 190];
const plot = { left: 62, right: 594, top: 8, bottom: 168 };
const horizontalLines = 4;
const colours = [210, 30, 145, 285, 0, 180, 55, 330, 100, 250, 15, 195].map((hue) => `hsl(${hue} 62% 52%)`);

/** More names than this would be longer than the picture. */
const maxNamed = 10;

/** Lines over a time, as a picture that needs no script, with a legend that says the last value of each. */
export function chart(given: readonly Line[], range: Range, unit: string): string {
  // The largest are named, and drawn over the others at last.
  const lines = given.toSorted((one, other) => largest(other) - largest(one));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  if (values.length === 0) return '<p class="faint">no data</p>';
  const scale = scaleOf(values);
  const x = (at: number): string =>
    (
      plot.left +
      ((at - range.startSeconds) / (range.endSeconds - range.startSeconds)) * (plot.right - plot.left)
    ).toFixed(1);
  const y = (value: number): string =>
    (plot.bottom - ((value - scale.low) / (scale.high - scale.low)) * (plot.bottom - plot.top)).toFixed(1);
  const paths = lines.map(({ points }, index) => {
    const path = pathOf(points, range.stepSeconds, x, y);
    return `<path d="${path}" fill="none" stroke="${colourAt(index)}" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(lines.map(({ label }) => label).join(', '))}">
${horizontal(scale, y, unit)}${vertical(range, x)}${paths.join('\n')}</svg>
<div class="legend">${legend(lines, unit)}</div>`;
}

function legend(lines: readonly Line[], unit: string): string {
  const named = lines.slice(0, maxNamed).map(({ label, points }, index) => {
    return legendEntry(label, formatValue(points.at(-1)?.[1] ?? Number.NaN, unit), index);
  });
  return `${named.join('')}${lines.length > maxNamed ? `<span>and ${lines.length - maxNamed} more</span>` : ''}`;
}

function largest({ points }: Line): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...points.map(([, value]) => value).filter(Number.isFinite));
}

/** A line ends where a value is missing, and begins again after it; a value alone is a dot. */
function pathOf(
  points: Line['points'],
  stepSeconds: number,
  x: (at: number) => string,
  y: (value: number) => string,
): string {
  let before: number | undefined;
  const parts: string[] = [];
  for (const [at, value] of points) {
    if (!Number.isFinite(value)) continue;
    const goesOn = before !== undefined && at - before <= stepSeconds * 1.5;
    parts.push(goesOn ? `L${x(at)} ${y(value)}` : `M${x(at)} ${y(value)}h0`);
    before = at;
  }
  return parts.join('');
}

type Scale = { readonly low: number; readonly high: number; readonly step: number };

/** Round numbers, from zero on unless something is below it. */
function scaleOf(values: readonly number[]): Scale {
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 0]);
  const rough = (most - least || 1) / horizontalLines;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return { low: Math.floor(least / step) * step, high: Math.max(step, Math.ceil(most / step) * step), step };
}

function horizontal({ low, high, step }: Scale, y: (value: number) => string, unit: string): string {
  const count = Math.round((high - low) / step);
  return Array.from({ length: count + 1 }, (_, index) => low + index * step)
    .map(
      (value) =>
        `<line x1="${plot.left}" x2="${plot.right}" y1="${y(value)}" y2="${y(value)}" stroke="currentColor" stroke-opacity=".13"/>` +
        `<text x="${plot.left - 6}" y="${y(value)}" dy="4" text-anchor="end">${escapeHtml(formatValue(value, unit))}</text>`,
    )
    .join('');
}

function vertical({ startSeconds, endSeconds }: Range, x: (at: number) => string): string {
  const count = 4;
  return Array.from({ length: count + 1 }, (_, index) => startSeconds + ((endSeconds - startSeconds) * index) / count)
    .map((at, index) => {
      const anchor = index === 0 ? 'start' : index === count ? 'end' : 'middle';
      const time = new Date(at * 1_000).toISOString().slice(11, endSeconds - startSeconds < 600 ? 19 : 16);
      return `<text x="${x(at)}" y="${height - 6}" text-anchor="${anchor}">${time}</text>`;
    })
    .join('');
}

function legendEntry(label: string, value: string, index: number): string {
  return `<span><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill="${colourAt(index)}"/></svg>${escapeHtml(label)}: ${escapeHtml(value)}</span>`;
}

function colourAt(index: number): string {
  return colours[index % colours.length] ?? 'gray';
}

/** What telemetry costs: the same work in two stacks, in turn. */
import { percentile } from '../../local/cli/statistics.ts';
import { table } from '../report/columns.ts';

/** Work of one kind in one turn: CPU of the processes that serve, in ms, and how many requests that was for. */
export type Turn = { readonly cpuMs: number; readonly requests: number };
/** With telemetry and without, one after the other. */
export type Pair = { readonly without: Turn; readonly with: Turn };

export type Overhead = {
  readonly what: string;
  /** CPU a request, in ms, of all turns. */
  readonly withoutMs: number;
  readonly withMs: number;
  /** How much more it is with telemetry, as a share: 0.05 is 5 %. */
  readonly more: number;
  /** The same of each pair by itself, least, middle and most: how far it can be trusted. */
  readonly pairs: readonly [number, number, number];
};

/** Of CPU a request. */
const budget = 0.05;

/** @throws Error when nothing was measured */
export function overheadOf(what: string, pairs: readonly Pair[]): Overhead {
  const perRequest = (turns: readonly Turn[]): number =>
    sum(turns.map(({ cpuMs }) => cpuMs)) / sum(turns.map(({ requests }) => requests));
  const moreOf = (without: number, more: number): number => more / without - 1;
  const [withoutMs, withMs] = [
    perRequest(pairs.map((pair) => pair.without)),
    perRequest(pairs.map((pair) => pair.with)),
  ];
  const each = pairs.map((pair) => moreOf(perRequest([pair.without]), perRequest([pair.with])));
  const at = (share: number): number => percentile(each, share) ?? Number.NaN;
  const more = moreOf(withoutMs, withMs);
  if (!Number.isFinite(more)) throw new Error(`nothing was measured of ${what}`);
  return { what, withoutMs, withMs, more, pairs: [Math.min(...each), at(0.5), Math.max(...each)] };
}

/** As text for people. @param watchersMsPerSecond CPU of what looks on, which serves nobody */
export function renderOverhead(all: readonly Overhead[], watchersMsPerSecond: number, tracedPercent: number): string {
  const percent = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`;
  const rows = all.map(({ what, withoutMs, withMs, more, pairs }) => [
    ...[what, withoutMs.toFixed(3), withMs.toFixed(3), percent(more), `≤ ${percent(budget)}`],
    ...[more <= budget ? 'ok' : 'over', pairs.map(percent).join(' … ')],
  ]);
  const head = [
    'CPU a request, in ms',
    'without',
    'with',
    'more',
    'budget',
    'verdict',
    'each pair: least … middle … most',
  ];
  return [
    table([head, ...rows], [1, 2, 3, 4]),
    `CPU of Envoy, the services and their servers. With: metrics asked for every 5 s, ${tracedPercent} of a hundred requests traced.`,
    `What looks on (Prometheus, exporters, what keeps traces) takes ${watchersMsPerSecond.toFixed(0)} ms of CPU a second beside it.`,
  ].join('\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

import { count } from '../../local/cli/statistics.ts';
import type { GrowthFigures, GrowthLoad } from '../growth/measure-growth.ts';
import { table } from './columns.ts';

/** What reads and posts cost as people grow, beside the smallest stack. Empty when there is nothing. */
export function renderGrowth(growth: readonly GrowthFigures[]): string {
  const [smallest] = growth;
  if (smallest === undefined) return '';
  const cells = (load: GrowthLoad, first: GrowthLoad): string[] => [
    load.p50Ms.toFixed(1),
    load.p99Ms.toFixed(1),
    load.cpuMs.toFixed(2),
    `× ${(load.cpuMs / first.cpuMs).toFixed(2)}`,
  ];
  const rows = growth.map((one) => [
    ...[one.people, one.follows, one.posts, one.active].map(count),
    ...cells(one.reads, smallest.reads),
    ...cells(one.writes, smallest.writes),
  ]);
  const columns = ['p50 ms', 'p99 ms', 'CPU ms', 'growth'];
  const head = ['people', 'follows', 'posts', 'active', ...columns, ...columns];
  const above = ['', '', '', '', 'GET', '/feed', '', '', 'POST', '/posts', '', ''];
  return table([above, head, ...rows], [...head.keys()]);
}

import type { Status } from '../overview.ts';
import { clip } from './text.ts';

const words = {
  served: 'people are served',
  degraded: 'people are served, DEGRADED',
  partly: 'people are served IN PART',
  'not served': 'people are NOT SERVED',
} as const;

/** The first line: whether people are served, and what is degraded. A long problem is cut: it stands in full below. */
export function headline({ serving, problems }: Status, width: number): string {
  const [worst, ...others] = problems;
  if (serving === undefined) {
    const state = worst === undefined ? 'the servers are ready' : worst.what;
    return clip(`people are NOT SERVED: no service was started; ${state}`, width);
  }
  if (worst === undefined) return `${words.served}, nothing is degraded`;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const start = `${words[serving]}${serving === 'served' ? ', but' : ':'} `;
  return `${start}${clip(worst.what.replace(/\s+/g, ' '), width - start.length - more.length)}${more}`;
}

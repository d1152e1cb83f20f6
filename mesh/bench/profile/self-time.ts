import { repositoryRoot } from '../../local/settings.ts';
import type { CpuProfile, ProfileNode } from './inspector.ts';

/** Time that was spent in something itself, not in what it called. */
export type SelfTime = { readonly name: string; readonly ms: number };

export type SelfTimes = {
  readonly elapsedMs: number;
  /** All but waiting. */
  readonly busyMs: number;
  /** Most first. */
  readonly functions: readonly SelfTime[];
  /** By package of node_modules, folder of ours, or part of Node; most first. */
  readonly modules: readonly SelfTime[];
};

const idleName = '(idle)';

export function selfTimesOf(profile: CpuProfile): SelfTimes {
  const msByNode = new Map<number, number>();
  for (const [index, id] of profile.samples.entries()) {
    msByNode.set(id, (msByNode.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1_000);
  }
  const busy = profile.nodes.filter(({ callFrame }) => callFrame.functionName !== idleName);
  const sumBy = (nameOf: (node: ProfileNode) => string): SelfTime[] => {
    const sums = new Map<string, number>();
    for (const node of busy) sums.set(nameOf(node), (sums.get(nameOf(node)) ?? 0) + (msByNode.get(node.id) ?? 0));
    return [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
  };
  return {
    elapsedMs: (profile.endTime - profile.startTime) / 1_000,
    busyMs: busy.reduce((sum, { id }) => sum + (msByNode.get(id) ?? 0), 0),
    functions: sumBy(functionOf),
    modules: sumBy(({ callFrame }) => moduleOf(callFrame.url, callFrame.functionName)),
  };
}

function functionOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame;
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${pathOf(url)}:${lineNumber + 1}`;
}

function moduleOf(url: string, functionName: string): string {
  // Such as (garbage collector) and (program), and what is written in C++.
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  const path = pathOf(url);
  return /^(@[^/]+\/[^/]+|[^/]+\/[^/]+)/.exec(path)?.[0] ?? path;
}

/** Without what is the same everywhere. */
function pathOf(url: string): string {
  const path = url.replace(/^file:\/\//, '').replace(`${repositoryRoot}/`, '');
  return path.replace(/^.*node_modules\//, '');
}

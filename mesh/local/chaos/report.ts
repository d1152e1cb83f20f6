import { count, duration } from '../cli/statistics.ts';
import type { ChaosResult } from './chaos.ts';
import { type FindingKind, findingKinds } from './findings.ts';

const names: Readonly<Record<FindingKind, string>> = {
  lost: 'lost',
  doubled: 'doubled',
  outOfPlace: 'out of place',
  wrong: 'wrong',
};

/** Whether everything that was acknowledged is there, once, in its place, and nothing else. */
export function isExact({ findings, settled }: ChaosResult): boolean {
  return settled && findingKinds.every((kind) => findings[kind] === 0);
}

/** The result for people. */
export function renderResult(result: ChaosResult): string {
  const { kills, deeds, repeated, findings, texts, feeds, items, pages, settled, elapsedSeconds } = result;
  const total = Object.values(kills).reduce((sum, times) => sum + times, 0);
  const sentAgain = Object.entries(repeated).map(
    ([status, times]) => `${times} after ${status === '0' ? 'no answer' : status}`,
  );
  const rows = [
    [
      'kill -9',
      `${count(total)}: ${Object.entries(kills)
        .map(([name, times]) => `${name} ${times}`)
        .join(', ')}`,
    ],
    [
      'acknowledged',
      Object.entries(deeds)
        .map(([name, times]) => `${count(times)} ${name}`)
        .join(', '),
    ],
    ['sent again', sentAgain.join(', ') || 'nothing'],
    ['compared', `${feeds} feeds (${count(items)} items on ${count(pages)} pages), every list, Postgres`],
    ['events', settled ? 'all are through' : 'still wait after two minutes'],
    ['found', findingKinds.map((kind) => `${names[kind]} ${findings[kind]}`).join(', ')],
    ['took', duration(elapsedSeconds * 1_000)],
  ];
  return [
    ...rows.map(([name = '', text]) => `${name.padEnd(14)}${text}`),
    ...(texts.length === 0 ? [] : ['', ...texts]),
  ].join('\n');
}

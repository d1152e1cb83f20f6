import type { DifferenceKind } from '../demo/compare.ts';

/** What may be wrong: gone, there twice, in another place than its own, or there and should not be (or with other content). */
export type FindingKind = 'lost' | 'doubled' | 'outOfPlace' | 'wrong';

export const findingKinds: readonly FindingKind[] = ['lost', 'doubled', 'outOfPlace', 'wrong'];

/** Everything that is not as it should be. */
export type Findings = {
  readonly add: (kind: FindingKind, text: string) => void;
  readonly counts: () => Readonly<Record<FindingKind, number>>;
  /** The first of them, in words. */
  readonly texts: () => readonly string[];
};

const maxTexts = 50;

export function createFindings(): Findings {
  const counts = { lost: 0, doubled: 0, outOfPlace: 0, wrong: 0 };
  const texts: string[] = [];
  return {
    add(kind, text) {
      counts[kind] += 1;
      if (texts.length < maxTexts) texts.push(`${kind}: ${text}`);
    },
    counts: () => ({ ...counts }),
    texts: () => texts,
  };
}

/** How a difference of a feed counts here. */
export function kindOf(difference: DifferenceKind): FindingKind {
  if (difference === 'missing') return 'lost';
  if (difference === 'twice') return 'doubled';
  return difference === 'order' ? 'outOfPlace' : 'wrong';
}

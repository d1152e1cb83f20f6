/** Plays random histories, several at the same time, and makes the first that shows a mismatch as small as it can. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { atOnce } from './interposer.ts';
import { histories, type Moment, type Step } from './steps.ts';

export type History = readonly Moment[];
/** Rejects when the system shows what it should not. */
export type Play = (history: History) => Promise<void>;

export type Exploration = {
  /** What went wrong, in the smallest history that was found for it, and how to see it again; undefined when nothing did. */
  readonly failure: string | undefined;
  /** Histories that were played. */
  readonly runs: number;
};

type Options = {
  readonly runs: number;
  readonly seed: number;
  readonly shrinkMs?: number;
  /** How they are made up; see steps.ts. */
  readonly kind?: fc.Arbitrary<History>;
};

/** Histories at the same time. */
const lanes = 8;
/** To find a smaller history that fails as well. */
const defaultShrinkMs = 60_000;

/** The history of a kind and a number is always the same. */
function makeHistory(kind: fc.Arbitrary<History>, seed: number): History {
  return fc.sample(kind, { seed, numRuns: 1 })[0] ?? [];
}

/** @param seed of the first history; the others have the numbers that follow */
export async function explore(
  { runs, seed, shrinkMs = defaultShrinkMs, kind = histories }: Options,
  play: Play,
): Promise<Exploration> {
  let started = 0;
  let found: { readonly seed: number; readonly error: unknown } | undefined;

  async function lane(): Promise<void> {
    while (started < runs && found === undefined) {
      const number = seed + started;
      started += 1;
      const error = await failureOf(makeHistory(kind, number), play);
      if (error !== undefined) found ??= { seed: number, error };
    }
  }

  await Promise.all(Array.from({ length: lanes }, lane));
  // TypeScript does not see that the lanes write it.
  const first = found as { readonly seed: number; readonly error: unknown } | undefined;
  if (first === undefined) return { failure: undefined, runs: started };
  const error = await shrink(makeHistory(kind, first.seed), first.error, play, shrinkMs);
  const again = `seen again by: ./oxo test --runs 1 --seed ${first.seed} e2e/model`;
  return { failure: `${messageOf(error)}\n${again}`, runs: started };
}

async function failureOf(history: History, play: Play): Promise<unknown> {
  try {
    await play(history);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Leaves out what the failure does not need. @returns how the smallest one fails */
async function shrink(history: History, error: unknown, play: Play, limitMs: number): Promise<unknown> {
  const deadlineMs = performance.now() + limitMs;
  let [smallest, smallestError] = [history, error];

  async function fails(candidate: History): Promise<boolean> {
    if (performance.now() > deadlineMs || isDeepStrictEqual(candidate, smallest)) return false;
    const next = await failureOf(candidate, play);
    if (next === undefined) return false;
    [smallest, smallestError] = [candidate, next];
    return true;
  }

  // Large pieces first, then moment by moment.
  for (let size = Math.ceil(history.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < smallest.length; ) {
      if (!(await fails(smallest.toSpliced(start, size)))) start += size;
    }
  }
  for (let index = 0; index < smallest.length; index += 1) {
    for (const simpler of simplerMoments(smallest[index] ?? [])) await fails(smallest.with(index, simpler));
  }
  return smallestError;
}

function simplerMoments(moment: Moment): Moment[] {
  const without = moment.length > 1 ? moment.map((_, index) => moment.toSpliced(index, 1)) : [];
  return [...without, moment.map(simplify)];
}

function simplify(step: Step): Step {
  return step.do === 'post' ? { ...step, fate: { ...atOnce, isLost: step.fate.isLost }, isRepeated: false } : step;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

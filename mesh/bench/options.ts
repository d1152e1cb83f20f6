import { CliError } from '../local/cli/cli-error.ts';
import { parseFlags, wholeNumber } from '../local/cli/command.ts';
import { type PartName, parts } from './parts.ts';

export type BenchOptions = {
  /** Where the results are written as JSON too. */
  readonly jsonPath: string | undefined;
  /** How long each measurement under load runs. */
  readonly seconds: number;
  /** People who read, and who write for one another. */
  readonly viewers: number;
  /** What is measured. */
  readonly parts: ReadonlySet<PartName>;
  /** How many people the stacks of the part `growth` hold, smallest first. */
  readonly growthSizes: readonly number[];
  /** Where profiles are written instead of figures. */
  readonly profileDir: string | undefined;
};

const growthSizes = [1_000, 10_000];
const largestGrowth = 100_000;
const quick = { seconds: '3', viewers: '200' };

/** @throws CliError (exit code 2) on wrong flags */
export function readBenchOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseFlags(argv, {
    json: { type: 'string' },
    only: { type: 'string' },
    growth: { type: 'boolean', default: false },
    profile: { type: 'string' },
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    viewers: { type: 'string' },
  });
  return {
    jsonPath: values.json,
    seconds: wholeNumber('--seconds', values.seconds ?? (values.quick ? quick.seconds : '10'), 1, 300),
    viewers: wholeNumber('--viewers', values.viewers ?? (values.quick ? quick.viewers : '1000'), 50, 10_000),
    parts: partsOf(values.only, values.quick && !values.growth),
    growthSizes: values.growth ? [...growthSizes, largestGrowth] : growthSizes,
    profileDir: values.profile,
  };
}

function partsOf(only: string | undefined, withoutGrowth: boolean): ReadonlySet<PartName> {
  const all = parts.map(({ name }) => name);
  if (only === undefined) return new Set(all.filter((name) => name !== 'growth' || !withoutGrowth));
  return new Set(
    only.split(',').map((name) => {
      const part = all.find((known) => known === name);
      if (part !== undefined) return part;
      throw new CliError(`--only does not know "${name}"`, { exitCode: 2, advice: [`It knows ${all.join(', ')}`] });
    }),
  );
}

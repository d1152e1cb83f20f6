import { parseFlags } from '../local/command.ts';
import { wholeNumber } from '../local/demo/options.ts';

export type BenchOptions = {
  /** Where the results are written as JSON too. */
  readonly jsonPath: string | undefined;
  /** How long each measurement under load runs. */
  readonly seconds: number;
  /** People who read, and who write for one another. */
  readonly viewers: number;
};

/** @throws CliError (exit code 2) on wrong flags */
export function readBenchOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseFlags(argv, {
    json: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    viewers: { type: 'string', default: '1000' },
  });
  return {
    jsonPath: values.json,
    seconds: wholeNumber('--seconds', values.seconds, 1, 300),
    viewers: wholeNumber('--viewers', values.viewers, 50, 10_000),
  };
}

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { CliError, messageOf } from './cli-error.ts';

/** What a file in commands/ exports as `command`. */
export type Command = {
  /** Shown by --help: the line to type, then what it does and its flags. */
  readonly usage: string;
  /** @returns the exit code */
  readonly run: (argv: readonly string[]) => Promise<number>;
};

/**
 * Reads flags and at most `maxPositionals` other words.
 * @throws CliError (exit code 2) on a flag or word that is not known
 */
export function parseFlags<T extends ParseArgsOptionsConfig>(argv: readonly string[], options: T, maxPositionals = 0) {
  const parsed = parse(argv, options);
  const surplus = parsed.positionals[maxPositionals];
  if (surplus !== undefined) throw new CliError(`"${surplus}" is one word too many`, { exitCode: 2 });
  return parsed;
}

function parse<T extends ParseArgsOptionsConfig>(argv: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CliError(messageOf(error), { exitCode: 2 });
  }
}

/** @throws CliError (exit code 2) unless the text is a whole number in these limits */
export function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new CliError(`${flag} must be a whole number from ${min} to ${max}, not "${text}"`, { exitCode: 2 });
}

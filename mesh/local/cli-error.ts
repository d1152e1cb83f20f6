import { inspect } from 'node:util';

/** What a person at the terminal can act on: printed without a stack, with what to do next. */
export class CliError extends Error {
  /** Exit code of the command: 1 it failed, 2 it was called wrongly. */
  readonly exitCode: 1 | 2;
  /** What to do about it, one line each. */
  readonly advice: readonly string[];

  constructor(message: string, options: { exitCode?: 1 | 2; advice?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? 1;
    this.advice = options.advice ?? [];
  }
}

/** What a person reads of an error: the message, then what to do; of a bug, all that is known. */
export function describeError(error: unknown): string {
  if (!(error instanceof CliError)) return inspect(error);
  return [error.message, ...error.advice].join('\n');
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

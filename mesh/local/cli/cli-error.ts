import { inspect } from 'node:util';

/** 1 it failed, 2 it was called wrongly, 69 this machine cannot do it, others: a signal ended it. */
export type ExitCode = 1 | 2 | 69 | 129 | 130 | 143;

/** What a person at the terminal can act on: printed without a stack, with what to do next. */
export class CliError extends Error {
  /** Of the command. */
  readonly exitCode: ExitCode;
  /** What to do about it, one line each. */
  readonly advice: readonly string[];

  constructor(message: string, options: { exitCode?: ExitCode; advice?: readonly string[]; cause?: unknown } = {}) {
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

/**
 * What the system or a server refused, as something that a person can act on; a bug stays what it is.
 * @param what that failed, before the colon
 */
export function asCliError(error: unknown, what: string, advice: readonly string[]): unknown {
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  if (error instanceof CliError || isBug) return error;
  return new CliError(`${what}: ${messageOf(error)}`, { advice, cause: error });
}

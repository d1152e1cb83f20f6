import { OxoError, unavailable } from '#kit/errors.ts';

/**
 * SQLSTATEs by which a server says that it cannot serve: connection lost, shutting down, starting up, out of disk, memory or connections; or that it
 * does not let us in (28), which is the operator's to mend and never the caller's fault.
 */
const AWAY_STATES = /^(08...|57P0[1-5]|53[123]00|28000|28P01)$/;
const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** What the driver says itself; it gives these errors no code. */
const AWAY_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/;
/** The mapper wraps what the driver threw. */
const MAX_CAUSES = 5;

/** The error of work on a database: UNAVAILABLE when the database is away, or else the error as it was. */
export function databaseError(error: unknown): unknown {
  return isAway(error, 0) ? unavailable('The database is away.', error) : error;
}

function isAway(error: unknown, depth: number): boolean {
  if (!(error instanceof Error) || error instanceof OxoError || depth > MAX_CAUSES) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (AWAY_CODES.has(code) || AWAY_STATES.test(code) || AWAY_MESSAGES.test(error.message)) return true;
  const causes: unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return causes.some((cause) => isAway(cause, depth + 1));
}

import Provider, { errors } from 'oidc-provider';
import { SECOND_MS } from '#kit/clock.ts';
import { hasReason, OxoError } from '#kit/errors.ts';

const FOREIGN_KEY_VIOLATION = '23503';
/** SQLSTATEs of what Postgres cannot hold, such as U+0000 in a text, or a row that would be too large. */
const NOT_STORABLE = /^(22...|23514|54...)$/;

/** What the provider shall answer when what we do for it fails: to try again, or that what the artifact belongs to has ended meanwhile. */
export function providerErrorOf(error: unknown): unknown {
  if (hasReason(error, 'UNAVAILABLE')) {
    const away = new errors.TemporarilyUnavailable('try again in a moment');
    away.status = 503;
    away.statusCode = 503;
    return Object.assign(away, { cause: error });
  }
  if (error instanceof OxoError && error.reason === 'RATE_LIMITED') {
    Provider.ctx?.set('retry-after', String(Math.ceil((error.retryAfterMs ?? SECOND_MS) / SECOND_MS)));
    const slow = new errors.SlowDown('too much is asked; slow down');
    slow.status = 429;
    slow.statusCode = 429;
    return Object.assign(slow, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === FOREIGN_KEY_VIOLATION) return new errors.InvalidGrant('the grant has ended');
  if (NOT_STORABLE.test(code)) return new errors.InvalidRequest('a parameter is not valid text, or too long');
  return error;
}

import { z } from 'zod';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { invalidFields, OxoError } from '#kit/errors.ts';
import type { UserCaller } from '#kit/identity/caller.ts';
import { id, text } from '#kit/validate.ts';
import { EXCHANGED_TOKEN_LIFETIME_MS } from '../keys/token-lifetimes.ts';
import { OFFERED_API_SCOPES } from '../tokens/scopes.ts';

/** No shorter than a token that a key was exchanged for may live: no token outlives its key. */
const MIN_LIFE_MS = EXCHANGED_TOKEN_LIFETIME_MS;
const MAX_LIFE_MS = 366 * DAY_MS;
export const DEFAULT_LIFE_MS = 90 * DAY_MS;
/** As for the life of a key; or none. */
const MIN_OVERLAP_SECONDS = EXCHANGED_TOKEN_LIFETIME_MS / 1_000;
const MAX_OVERLAP_SECONDS = DAY_MS / 1_000;
export const DEFAULT_OVERLAP_SECONDS = (60 * MINUTE_MS) / 1_000;

/** Administration is not among them: it ends with the sessions of whoever ceases to be an administrator, and a key would go on. */
const SCOPES: ReadonlySet<string> = new Set(OFFERED_API_SCOPES);

export const MAX_KEY_NAME_CHARACTERS = 60;

export const createInput = z.object({
  name: text({ minCharacters: 1, maxCharacters: MAX_KEY_NAME_CHARACTERS, maxBytes: 240, oneLine: true }),
  scopes: z
    .array(z.string().refine((scope) => SCOPES.has(scope), `must be one of ${[...SCOPES].join(', ')}`))
    .min(1, 'must not be empty')
    .max(SCOPES.size, `must be at most ${SCOPES.size}`)
    .transform((scopes) => [...new Set(scopes)]),
  expiresAt: z.date().optional(),
});

export const rotateInput = z.object({
  id: id(),
  overlapSeconds: z
    .number()
    .refine(
      (seconds) => seconds === 0 || (seconds >= MIN_OVERLAP_SECONDS && seconds <= MAX_OVERLAP_SECONDS),
      `must be 0, or ${MIN_OVERLAP_SECONDS} to ${MAX_OVERLAP_SECONDS}`,
    )
    .default(DEFAULT_OVERLAP_SECONDS),
  expiresAt: z.date().optional(),
});

/**
 * When a key shall end, in milliseconds since the epoch; undefined when nothing is asked for.
 * @throws OxoError VALIDATION_FAILED
 */
export function endOf(expiresAt: Date | undefined, nowMs: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  const lifeMs = expiresAt.getTime() - nowMs;
  if (lifeMs >= MIN_LIFE_MS && lifeMs <= MAX_LIFE_MS) return expiresAt.getTime();
  throw invalidFields([{ field: 'expiresAt', description: 'must be 5 minutes to 366 days from now' }]);
}

/** @throws OxoError SCOPE_MISSING when the caller would give a key more than they have */
export function requireScopes(caller: UserCaller, scopes: readonly string[]): void {
  const missing = scopes.filter((scope) => !caller.scopes.has(scope));
  if (missing.length === 0) return;
  throw new OxoError('SCOPE_MISSING', `You cannot give the scope ${missing.join(' ')}, which you do not have.`);
}

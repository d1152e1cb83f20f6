import { SECOND_MS } from '#kit/clock.ts';
import type { RotationRow } from '../entities/session-entity.ts';
import { matches, type RefreshToken } from './refresh-token.ts';

/** Two tabs, or an answer that was lost: for so long the token before the current one works once more. */
const GRACE_MS = 10 * SECOND_MS;

/**
 * What a refresh token is to its session now.
 * CURRENT: it is rotated. REPEATED: it was, moments ago, and gives the same pair once more. REUSED: it was consumed before,
 * so somebody holds a copy. UNKNOWN: it never belonged to a session that lives.
 */
export type TokenStanding = 'CURRENT' | 'REPEATED' | 'REUSED' | 'UNKNOWN';

/** What a refresh with this token means for the session. @param row undefined when there is no such session */
export function standingOf(row: RotationRow | undefined, token: RefreshToken, nowMs: number): TokenStanding {
  if (row === undefined || row.expiresAtMs <= nowMs || row.revokedAtMs != null) return 'UNKNOWN';
  if (!matches(row.familyHash, token.family)) return 'UNKNOWN';
  if (matches(row.currentHash, token.secret)) return 'CURRENT';
  const inGrace = !row.graceUsed && row.rotatedAtMs != null && nowMs < row.rotatedAtMs + GRACE_MS;
  return inGrace && matches(row.previousHash ?? null, token.secret) ? 'REPEATED' : 'REUSED';
}

import { SECOND_MS } from '#kit/clock.ts';
import { matches, type RefreshToken } from './refresh-token.ts';

/** Two tabs, or an answer that was lost: for so long the token before the current one works once more. */
export const GRACE_MS = 10 * SECOND_MS;

/** What a refresh has to know of a session. */
export interface RotationRow {
  account_id: string;
  family_hash: Buffer;
  current_hash: Buffer;
  previous_hash: Buffer | null;
  rotation_salt: Buffer | null;
  rotated_at_ms: number | null;
  grace_used: boolean;
  created_at_ms: number;
  expires_at_ms: number;
}

/**
 * What a refresh token is to its session now.
 * CURRENT: it is rotated. REPEATED: it was, moments ago, and gives the same pair once more. REUSED: it was consumed before,
 * so somebody holds a copy. UNKNOWN: it never belonged to a session that lives.
 */
export type TokenStanding = 'CURRENT' | 'REPEATED' | 'REUSED' | 'UNKNOWN';

export function standingOf(row: RotationRow | undefined, token: RefreshToken, nowMs: number): TokenStanding {
  if (row === undefined || row.expires_at_ms <= nowMs) return 'UNKNOWN';
  if (!matches(row.family_hash, token.family)) return 'UNKNOWN';
  if (matches(row.current_hash, token.secret)) return 'CURRENT';
  const inGrace = !row.grace_used && row.rotated_at_ms !== null && nowMs < row.rotated_at_ms + GRACE_MS;
  return inGrace && matches(row.previous_hash, token.secret) ? 'REPEATED' : 'REUSED';
}

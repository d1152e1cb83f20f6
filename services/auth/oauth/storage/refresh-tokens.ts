import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { REFRESH_GRACE_MS } from '../lifetimes.ts';
import { type Artifact, insertArtifact } from './artifacts.ts';

const SALT_BYTES = 32;

const PREPARE = {
  name: 'oauth-refresh-prepare',
  text: `update oauth_artifacts set rotation_salt = coalesce(rotation_salt, $3)
    where id_hash = $1 and kind = 'RefreshToken' and (consumed_at_ms is null or not grace_used and consumed_at_ms > $2)
    returning rotation_salt as salt`,
};
// First the grant, as whoever ends it does, so that neither waits for the other.
const LOCK_GRANT = { name: 'oauth-refresh-lock-grant', text: 'select 1 from oauth_grants where id = $1 for key share' };
const LOCK = {
  name: 'oauth-refresh-lock',
  text: `select consumed_at_ms::float8 as "consumedAtMs", grace_used as "graceUsed" from oauth_artifacts
    where id_hash = $1 and kind = 'RefreshToken' for update`,
};
const CONSUME = {
  name: 'oauth-refresh-consume',
  text: 'update oauth_artifacts set consumed_at_ms = $2 where id_hash = $1',
};
const USE_GRACE = {
  name: 'oauth-refresh-use-grace',
  text: 'update oauth_artifacts set grace_used = true where id_hash = $1',
};
const FIND_UNUSED = {
  name: 'oauth-refresh-find-unused',
  text: "select 1 from oauth_artifacts where id_hash = $1 and kind = 'RefreshToken' and consumed_at_ms is null",
};

/** REUSED: it was consumed before, so somebody holds a copy. ENDED: its grant is there no more. */
export type Rotated = 'ROTATED' | 'REUSED' | 'ENDED';

/**
 * Refresh tokens of clients take turns by the rule of our own (`sessions/rotation.ts`): each has one successor, which it gives once more in
 * its grace, as long as that one has not been used. So there is one that lives, whoever has copies, and any other that is used is noticed.
 */
export interface RefreshTokens {
  /** The token after this one, which is nobody's until `rotate`. @returns undefined for one that was consumed before */
  nextOf(token: string, idHash: Buffer): Promise<string | undefined>;
  /** Consumes the one and stores the other, or neither. */
  rotate(predecessor: Buffer, successor: Artifact): Promise<Rotated>;
}

export function createRefreshTokens(db: Database, clock: Clock): RefreshTokens {
  async function consume(tx: Transaction, predecessor: Buffer, successor: Artifact): Promise<Rotated> {
    const nowMs = clock.nowMs();
    const grant = await tx.query(LOCK_GRANT, [successor.grantId]);
    const [row] = await tx.query<{ consumedAtMs: number | null; graceUsed: boolean }>(LOCK, [predecessor]);
    if (grant.length === 0 || row === undefined) return 'ENDED';
    if (row.consumedAtMs === null) {
      await tx.query(CONSUME, [predecessor, nowMs]);
      await insertArtifact(tx, 'RefreshToken', successor, nowMs);
      return 'ROTATED';
    }
    if (row.graceUsed || row.consumedAtMs <= nowMs - REFRESH_GRACE_MS) return 'REUSED';
    if ((await tx.query(FIND_UNUSED, [successor.idHash])).length === 0) return 'REUSED';
    await tx.query(USE_GRACE, [predecessor]);
    return 'ROTATED';
  }

  return {
    async nextOf(token, idHash) {
      const values = [idHash, clock.nowMs() - REFRESH_GRACE_MS, randomBytes(SALT_BYTES)];
      const [row] = await db.query<{ salt: Buffer }>(PREPARE, values);
      // Neither the table nor the token alone tells it; and it looks like the others.
      return row && createHmac('sha256', row.salt).update(token).digest('base64url');
    },
    rotate: (predecessor, successor) => db.transaction((tx) => consume(tx, predecessor, successor)),
  };
}

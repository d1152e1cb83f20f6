import { createHash } from 'node:crypto';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Queryable } from '#kit/db/database.ts';

/** Two tabs, or an answer that was lost: so long a refresh token that was consumed counts as if it had not been. */
export const REFRESH_GRACE_MS = 10 * SECOND_MS;

const COLUMNS = 'id_hash as "idHash", payload, consumed_at_ms::float8 as "consumedAtMs"';
const UPSERT = {
  name: 'oauth-artifact-upsert',
  text: `insert into oauth_artifacts
      (id_hash, kind, client_id, account_id, grant_id, uid, user_code_hash, payload, expires_at_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (id_hash) do update set client_id = excluded.client_id, account_id = excluded.account_id,
      grant_id = excluded.grant_id, uid = excluded.uid, payload = excluded.payload, expires_at_ms = excluded.expires_at_ms,
      user_code_hash = coalesce(excluded.user_code_hash, oauth_artifacts.user_code_hash)
    where oauth_artifacts.kind = excluded.kind`,
};
const FIND = {
  name: 'oauth-artifact-find',
  text: `select ${COLUMNS} from oauth_artifacts where id_hash = $1 and kind = $2 and expires_at_ms > $3`,
};
const FIND_BY_UID = {
  name: 'oauth-artifact-find-by-uid',
  text: `select ${COLUMNS} from oauth_artifacts where uid = $1 and kind = $2 and expires_at_ms > $3`,
};
const FIND_BY_USER_CODE = {
  name: 'oauth-artifact-find-by-user-code',
  text: `select ${COLUMNS} from oauth_artifacts where user_code_hash = $1 and kind = $2 and expires_at_ms > $3`,
};
// One statement, so that of two who bring the same code at once, to whichever replica, one finds it consumed.
const CONSUME = {
  name: 'oauth-artifact-consume',
  text: `update oauth_artifacts set consumed_at_ms = coalesce(consumed_at_ms, $3)
    where id_hash = $1 and kind = $2 and (consumed_at_ms is null or consumed_at_ms > $4) returning 1`,
};
const GRANT_OF = {
  name: 'oauth-artifact-grant',
  text: 'select grant_id as "grantId" from oauth_artifacts where id_hash = $1 and kind = $2',
};
const DELETE = { name: 'oauth-artifact-delete', text: 'delete from oauth_artifacts where id_hash = $1 and kind = $2' };
const CLEAN_UP = defineCleanUp({
  name: 'oauth-artifacts-clean-up',
  table: 'oauth_artifacts',
  where: 'expires_at_ms <= $1',
});

/** What the provider has issued, as its row has it. */
export interface Artifact {
  idHash: Buffer;
  clientId: string | null;
  accountId: string | null;
  grantId: string | null;
  uid: string | null;
  userCode: string | null;
  /** Without anything by which the artifact could be used. */
  payload: object;
  lifetimeMs: number;
}

export interface StoredArtifact {
  idHash: Buffer;
  payload: Record<string, unknown>;
  /** In milliseconds since the epoch; undefined also for a refresh token in its grace. */
  consumedAtMs: number | undefined;
}

interface Row {
  idHash: Buffer;
  payload: Record<string, unknown>;
  consumedAtMs: number | null;
}

/** All that the provider keeps but clients and grants. Expired ones are not found. */
export interface Artifacts {
  upsert(kind: string, artifact: Artifact): Promise<void>;
  find(kind: string, idHash: Buffer): Promise<StoredArtifact | undefined>;
  findByUid(kind: string, uid: string): Promise<StoredArtifact | undefined>;
  findByUserCode(kind: string, userCode: string): Promise<StoredArtifact | undefined>;
  /**
   * @returns CONSUMED: by this call, or it is a refresh token in its grace; or else that it was consumed before, and the grant
   *   that it belongs to
   */
  consume(kind: string, idHash: Buffer): Promise<'CONSUMED' | { reusedOfGrant: string | undefined }>;
  destroy(kind: string, idHash: Buffer): Promise<void>;
  /** Deletes expired ones, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

/** The key of the row of a token, a code or a cookie: whoever reads the table cannot use what it finds. */
export function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}

export function createArtifacts(db: Queryable, clock: Clock): Artifacts {
  /** What was consumed before this counts as consumed; undefined: what was consumed at all, whatever the clocks of replicas say. */
  const graceBeginsMs = (kind: string) => (kind === 'RefreshToken' ? clock.nowMs() - REFRESH_GRACE_MS : undefined);

  function read(kind: string, [row]: Row[]): StoredArtifact | undefined {
    if (row === undefined) return undefined;
    const { idHash, payload, consumedAtMs } = row;
    const isInGrace = consumedAtMs !== null && consumedAtMs > (graceBeginsMs(kind) ?? Number.POSITIVE_INFINITY);
    return { idHash, payload, consumedAtMs: isInGrace ? undefined : (consumedAtMs ?? undefined) };
  }

  return {
    async upsert(kind, { idHash, clientId, accountId, grantId, uid, userCode, payload, lifetimeMs }) {
      const userCodeHash = userCode === null ? null : hashOf(userCode);
      await db.query(UPSERT, [
        ...[idHash, kind, clientId, accountId, grantId, uid, userCodeHash],
        ...[JSON.stringify(payload), clock.nowMs() + lifetimeMs],
      ]);
    },
    find: async (kind, idHash) => read(kind, await db.query<Row>(FIND, [idHash, kind, clock.nowMs()])),
    findByUid: async (kind, uid) => read(kind, await db.query<Row>(FIND_BY_UID, [uid, kind, clock.nowMs()])),
    findByUserCode: async (kind, userCode) =>
      read(kind, await db.query<Row>(FIND_BY_USER_CODE, [hashOf(userCode), kind, clock.nowMs()])),
    async consume(kind, idHash) {
      const consumed = await db.query(CONSUME, [idHash, kind, clock.nowMs(), graceBeginsMs(kind) ?? null]);
      if (consumed.length > 0) return 'CONSUMED';
      const [row] = await db.query<{ grantId: string | null }>(GRANT_OF, [idHash, kind]);
      return { reusedOfGrant: row?.grantId ?? undefined };
    },
    async destroy(kind, idHash) {
      await db.query(DELETE, [idHash, kind]);
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}

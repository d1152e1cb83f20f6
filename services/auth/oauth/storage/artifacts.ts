import type { Clock } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Queryable } from '#kit/db/database.ts';
import { hashOf } from '../../tokens/hash.ts';
import { REFRESH_GRACE_MS } from '../lifetimes.ts';

const COLUMNS = 'id_hash as "idHash", payload, consumed_at_ms::float8 as "consumedAtMs", grace_used as "graceUsed"';
const INSERT = `insert into oauth_artifacts
      (id_hash, kind, client_id, account_id, grant_id, uid, user_code_hash, payload, expires_at_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
const INSERT_NEW = { name: 'oauth-artifact-insert', text: INSERT };
const UPSERT = {
  name: 'oauth-artifact-upsert',
  text: `${INSERT}
    on conflict (id_hash) do update set client_id = excluded.client_id, account_id = excluded.account_id,
      grant_id = excluded.grant_id, uid = excluded.uid, payload = excluded.payload, expires_at_ms = excluded.expires_at_ms,
      user_code_hash = coalesce(excluded.user_code_hash, oauth_artifacts.user_code_hash)
    where oauth_artifacts.kind = excluded.kind`,
};
const UPDATE = {
  name: 'oauth-artifact-update',
  text: `update oauth_artifacts set account_id = $3, payload = $4, expires_at_ms = $5 where id_hash = $1 and kind = $2 returning 1`,
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
  text: `update oauth_artifacts set consumed_at_ms = $3
    where id_hash = $1 and kind = $2 and consumed_at_ms is null returning 1`,
};
const GRANT_OF = {
  name: 'oauth-artifact-grant',
  text: 'select grant_id as "grantId" from oauth_artifacts where id_hash = $1 and kind = $2',
};
const DELETE = {
  name: 'oauth-artifact-delete',
  text: 'delete from oauth_artifacts where id_hash = $1 and kind = $2 returning 1',
};
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
  graceUsed: boolean;
}

/** All that the provider keeps but clients and grants. Expired ones are not found. */
export interface Artifacts {
  upsert(kind: string, artifact: Artifact): Promise<void>;
  /** Stores one again whose account may be another now. @returns false when it is not there any more */
  update(kind: string, artifact: Artifact): Promise<boolean>;
  find(kind: string, idHash: Buffer): Promise<StoredArtifact | undefined>;
  findByUid(kind: string, uid: string): Promise<StoredArtifact | undefined>;
  findByUserCode(kind: string, userCode: string): Promise<StoredArtifact | undefined>;
  /** @returns CONSUMED: by this call; or else that it was consumed before, and the grant that it belongs to */
  consume(kind: string, idHash: Buffer): Promise<'CONSUMED' | { reusedOfGrant: string | undefined }>;
  grantOf(kind: string, idHash: Buffer): Promise<string | undefined>;
  /** @returns false when it was not there (any more) */
  destroy(kind: string, idHash: Buffer): Promise<boolean>;
  /** Deletes expired ones, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

/** Stores one, new or again. */
export async function storeArtifact(tx: Queryable, kind: string, artifact: Artifact, nowMs: number): Promise<void> {
  await tx.query(UPSERT, valuesOf(kind, artifact, nowMs));
}

/** Stores one that is new. */
export async function insertArtifact(tx: Queryable, kind: string, artifact: Artifact, nowMs: number): Promise<void> {
  await tx.query(INSERT_NEW, valuesOf(kind, artifact, nowMs));
}

function valuesOf(kind: string, artifact: Artifact, nowMs: number): unknown[] {
  const { idHash, clientId, accountId, grantId, uid, userCode, payload, lifetimeMs } = artifact;
  const userCodeHash = userCode === null ? null : hashOf(userCode);
  return [idHash, kind, clientId, accountId, grantId, uid, userCodeHash, JSON.stringify(payload), nowMs + lifetimeMs];
}

export function createArtifacts(db: Queryable, clock: Clock): Artifacts {
  async function grantOf(kind: string, idHash: Buffer): Promise<string | undefined> {
    const [row] = await db.query<{ grantId: string | null }>(GRANT_OF, [idHash, kind]);
    return row?.grantId ?? undefined;
  }

  function read(kind: string, [row]: Row[]): StoredArtifact | undefined {
    if (row === undefined) return undefined;
    const { idHash, payload, consumedAtMs, graceUsed } = row;
    const hasGrace = kind === 'RefreshToken' && !graceUsed;
    const isInGrace = hasGrace && consumedAtMs !== null && consumedAtMs > clock.nowMs() - REFRESH_GRACE_MS;
    return { idHash, payload, consumedAtMs: isInGrace ? undefined : (consumedAtMs ?? undefined) };
  }

  return {
    upsert: (kind, artifact) => storeArtifact(db, kind, artifact, clock.nowMs()),
    async update(kind, { idHash, accountId, payload, lifetimeMs }) {
      const values = [idHash, kind, accountId, JSON.stringify(payload), clock.nowMs() + lifetimeMs];
      return (await db.query(UPDATE, values)).length > 0;
    },
    find: async (kind, idHash) => read(kind, await db.query<Row>(FIND, [idHash, kind, clock.nowMs()])),
    findByUid: async (kind, uid) => read(kind, await db.query<Row>(FIND_BY_UID, [uid, kind, clock.nowMs()])),
    findByUserCode: async (kind, userCode) =>
      read(kind, await db.query<Row>(FIND_BY_USER_CODE, [hashOf(userCode), kind, clock.nowMs()])),
    async consume(kind, idHash) {
      const consumed = await db.query(CONSUME, [idHash, kind, clock.nowMs()]);
      return consumed.length > 0 ? 'CONSUMED' : { reusedOfGrant: await grantOf(kind, idHash) };
    },
    grantOf,
    destroy: async (kind, idHash) => (await db.query(DELETE, [idHash, kind])).length > 0,
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}

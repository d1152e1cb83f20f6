import { type Clock, DAY_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { type AuditedCall, NOBODY, recordAudit } from '../../audit/audit-log.ts';
import { hashOf } from '../../tokens/hash.ts';
import { forgetClients } from './forgetting.ts';

/** When it was used last is known to the day. */
const NOTE_USE_EVERY_MS = DAY_MS;

/** Ours are shorter; what somebody else brings need not be looked for. */
const ID = /^[\w-]{1,64}$/;

const UPSERT = {
  name: 'oauth-client-upsert',
  text: `insert into oauth_clients (id, secret_hash, metadata, created_at_ms) values ($1, $2, $3, $4)
    on conflict (id) do update set secret_hash = excluded.secret_hash, metadata = excluded.metadata
    returning (xmax = 0) as "isNew"`,
};
const FIND = {
  name: 'oauth-client-find',
  text: 'select secret_hash as "secretHash", metadata from oauth_clients where id = $1',
};
const DELETE = { name: 'oauth-client-delete', text: 'delete from oauth_clients where id = $1' };
const MARK_USED = {
  name: 'oauth-client-mark-used',
  text: 'update oauth_clients set used_at_ms = $2 where id = $1 and (used_at_ms is null or used_at_ms <= $3)',
};

/** What a client was registered with (RFC 7591). */
export type ClientMetadata = Record<string, unknown>;

export interface Clients {
  /** Stores the client; of its `client_secret` only the hash. */
  upsert(id: string, metadata: ClientMetadata, call?: AuditedCall): Promise<void>;
  /** The client, with the digest of its secret where the secret would be: see `secretDigest`. */
  find(id: string): Promise<ClientMetadata | undefined>;
  destroy(id: string): Promise<void>;
  /** Notes that it was given a token, so that it stays. */
  markUsed(id: string): Promise<void>;
  /** Deletes those that are of no use to anybody (`forgetting.ts`), in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

/** What the provider holds in place of a secret. The secret has 512 bits of its own, so a fast hash hides it. */
export function secretDigest(secret: string): string {
  return hashOf(secret).toString('base64url');
}

export function createClients(db: Database, clock: Clock): Clients {
  return {
    async upsert(id, { client_secret: secret, ...metadata }, call = { requestId: '' }) {
      const secretHash = typeof secret === 'string' ? hashOf(secret) : null;
      await db.transaction(async (tx) => {
        const values = [id, secretHash, JSON.stringify(metadata), clock.nowMs()];
        const [row] = await tx.query<{ isNew: boolean }>(UPSERT, values);
        if (row?.isNew) await recordAudit(tx, { action: 'REGISTER_CLIENT', actor: NOBODY, clientId: id }, call);
      });
    },
    async find(id) {
      if (!ID.test(id)) return undefined;
      const [row] = await db.query<{ secretHash: Buffer | null; metadata: ClientMetadata }>(FIND, [id]);
      if (row?.secretHash == null) return row?.metadata;
      return { ...row.metadata, client_secret: row.secretHash.toString('base64url') };
    },
    async destroy(id) {
      await db.query(DELETE, [id]);
    },
    async markUsed(id) {
      await db.query(MARK_USED, [id, clock.nowMs(), clock.nowMs() - NOTE_USE_EVERY_MS]);
    },
    cleanUp: () => forgetClients(db, clock),
  };
}

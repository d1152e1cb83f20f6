import type { Clock } from '#kit/clock.ts';
import type { Database, Statement, Transaction } from '#kit/db/database.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { type AuditedCall, recordAudit } from '../audit/audit-log.ts';
import { LOCK_KEYS } from './key-rows.ts';
import { type KeyVault, vaultNameOf, vaultNameOfDataKey } from './key-vault.ts';

const MAX_ROWS = 1_000;

/** What lies in the database encrypted by the key vault, by the table: each row has an id and a key. */
const WRAPPED: readonly { list: Statement; replace: Statement; nameOf(id: string): string }[] = [
  {
    list: {
      name: 'keys-to-rewrap',
      text: `select kid as id, private_key as key from signing_keys order by created_at_ms limit ${MAX_ROWS}`,
    },
    replace: { name: 'key-rewrap', text: 'update signing_keys set private_key = $2 where kid = $1' },
    nameOf: vaultNameOf,
  },
  {
    list: {
      name: 'data-keys-to-rewrap',
      text: `select id, key from data_keys order by created_at_ms limit ${MAX_ROWS}`,
    },
    replace: { name: 'data-key-rewrap', text: 'update data_keys set key = $2 where id = $1' },
    nameOf: vaultNameOfDataKey,
  },
];

/** Values: the key-encryption key, now. Its first use is of the first who saw it, in all replicas. */
const NOTE = {
  name: 'encryption-key-note',
  text: `with noted as (insert into encryption_keys (key_id, first_used_at_ms) values ($1, $2)
      on conflict (key_id) do nothing returning first_used_at_ms)
    select first_used_at_ms::float8 as "sinceMs" from noted
    union all select first_used_at_ms::float8 from encryption_keys where key_id = $1`,
};

interface WrappedRow {
  id: string;
  key: Buffer;
}

export interface Rewrapped {
  /** The key-encryption key that encrypts now. */
  keyId: string;
  /** How many keys were encrypted with another, and are encrypted with this one now. */
  rewrapped: number;
  /** Those that cannot be decrypted, and stay as they were: the id of a signing key, or of a data key. */
  leftKids: string[];
}

export interface Rewrapping {
  /**
   * Encrypts every private key and every data key with the key-encryption key that encrypts now. All or nothing, and can be repeated. When none is
   * left, nothing here needs the former key any more: whoever makes a key looks up the present one behind the same lock.
   */
  rewrap(call: AuditedCall): Promise<Rewrapped>;
  /**
   * The same by itself, but for what does not name its key: that was encrypted by a version from before keys had names, which may
   * still run beside this one and could not read it.
   */
  rewrapWhenDue(): Promise<void>;
  /** Since when the key-encryption key of now is in use, in milliseconds since the epoch: asked once a key. */
  encryptsSinceMs(): Promise<number>;
}

export function createRewrapping(options: { db: Database; vault: KeyVault; clock: Clock; logger: Logger }): Rewrapping {
  const { db, vault, clock, logger } = options;
  /** The key-encryption key as it was last seen. */
  let inUse: { keyId: string; sinceMs: number } | undefined;

  async function note(keyId: string): Promise<{ keyId: string; sinceMs: number }> {
    if (inUse?.keyId === keyId) return inUse;
    const [row] = await db.query<{ sinceMs: number }>(NOTE, [keyId, clock.nowMs()]);
    inUse = { keyId, sinceMs: row?.sinceMs ?? clock.nowMs() };
    return inUse;
  }

  async function rewrapOne({ id, key }: WrappedRow, name: string): Promise<Buffer | undefined> {
    try {
      return await vault.encrypt(await vault.decrypt(key, name), name);
    } catch (error) {
      logger.error({ kid: id, err: error }, 'a key cannot be encrypted anew');
      return undefined;
    }
  }

  async function rewrapTable(
    tx: Transaction,
    { list, replace, nameOf }: (typeof WRAPPED)[number],
    result: Rewrapped,
    isDue: (keyId: string | undefined) => boolean,
  ): Promise<void> {
    for (const row of await tx.query<WrappedRow>(list)) {
      const itsKeyId = vault.keyIdOf(row.key);
      if (itsKeyId === result.keyId || !isDue(itsKeyId)) continue;
      const encrypted = await rewrapOne(row, nameOf(row.id));
      // The operator may have put in another meanwhile.
      if (encrypted === undefined || vault.keyIdOf(encrypted) !== result.keyId) result.leftKids.push(row.id);
      else {
        await tx.query(replace, [row.id, encrypted]);
        result.rewrapped += 1;
      }
    }
  }

  async function rewrapAll(isDue: (keyId: string | undefined) => boolean, call?: AuditedCall): Promise<Rewrapped> {
    const result = await db.transaction(async (tx): Promise<Rewrapped> => {
      await tx.query(LOCK_KEYS);
      const found: Rewrapped = { keyId: await vault.keyId(), rewrapped: 0, leftKids: [] };
      for (const wrapped of WRAPPED) await rewrapTable(tx, wrapped, found, isDue);
      const details = { keyEncryptionKey: found.keyId, rewrapped: found.rewrapped, left: found.leftKids.length };
      if (call !== undefined) await recordAudit(tx, { action: 'REWRAP_SIGNING_KEYS', details }, call);
      return found;
    });
    await note(result.keyId);
    if (result.rewrapped > 0) logger.info(result, 'the keys are encrypted with another key-encryption key');
    return result;
  }

  return {
    rewrap: (call) => rewrapAll(() => true, call),
    async rewrapWhenDue() {
      await rewrapAll((keyId) => keyId !== undefined);
    },
    encryptsSinceMs: async () => (inUse ?? (await note(await vault.keyId()))).sinceMs,
  };
}

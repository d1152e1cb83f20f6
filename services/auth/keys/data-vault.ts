import { randomBytes } from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { LOCK_KEYS } from './key-rows.ts';
import { type KeyVault, vaultNameOfDataKey } from './key-vault.ts';
import { openLocalVault } from './local-vault.ts';

const KEY_BYTES = 32;

const LIST = {
  name: 'data-keys-list',
  text: 'select id, key from data_keys order by created_at_ms desc, id desc limit 8',
};
const INSERT = { name: 'data-key-insert', text: 'insert into data_keys (id, key, created_at_ms) values ($1, $2, $3)' };

interface DataKeyRow {
  id: string;
  key: Buffer;
}

/**
 * A vault for the secrets of people, of which there are many: its own key lies encrypted in the database, and the key vault is asked for it once,
 * at the start. So a sign-in does not wait for the key vault, and to encrypt anew with another key-encryption key is one row. Makes the key where
 * there is none; replicas that start at once make it together.
 * @throws Error for the operator when the key vault cannot decrypt it
 */
export async function openDataVault(options: { db: Database; vault: KeyVault; clock: Clock }): Promise<KeyVault> {
  const { db, vault, clock } = options;
  await db.transaction((tx) => makeMissing(tx, vault, clock.nowMs()));
  const keys: string[] = [];
  for (const row of await db.query<DataKeyRow>(LIST)) keys.push(await openKey(row, vault));
  return openLocalVault({ key: keys.join(',') });
}

async function makeMissing(tx: Transaction, vault: KeyVault, nowMs: number): Promise<void> {
  // The same lock as for signing keys: to encrypt anew finds every key that was made with the key before.
  await tx.query(LOCK_KEYS);
  if ((await tx.query(LIST)).length > 0) return;
  const id = newId(nowMs);
  await tx.query(INSERT, [id, await vault.encrypt(randomBytes(KEY_BYTES), vaultNameOfDataKey(id)), nowMs]);
}

async function openKey({ id, key }: DataKeyRow, vault: KeyVault): Promise<string> {
  const bytes = await vault.decrypt(key, vaultNameOfDataKey(id)).catch((cause: unknown) => {
    throw new Error(
      `The data key ${id} cannot be decrypted: the key-encryption key is not the one that encrypted it. Give back the former KEY_ENCRYPTION_KEY (or KEY_ENCRYPTION_KEY_FILE).`,
      { cause },
    );
  });
  return bytes.toString('base64');
}

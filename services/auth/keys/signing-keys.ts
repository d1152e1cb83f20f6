import {
  type CryptoKey,
  createLocalJWKSet,
  importPKCS8,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { insertKey, LOCK_KEYS, SIGNING_ALGORITHM } from './key-rows.ts';
import { type KeyVault, vaultNameOf } from './key-vault.ts';

const STATES = { name: 'signing-keys-states', text: "select state from signing_keys where state <> 'RETIRED'" };
const LIST = {
  name: 'signing-keys-list',
  text: `select kid, state, public_jwk as "publicJwk", private_key as "privateKey",
      coalesce(activated_at_ms, created_at_ms)::float8 as "activeSinceMs" from signing_keys
    where expires_at_ms is null or expires_at_ms > $1 order by created_at_ms desc limit 50`,
};
const DELETE_EXPIRED = {
  name: 'signing-keys-delete',
  text: 'delete from signing_keys where expires_at_ms <= $1 returning 1',
};

interface KeyRow {
  kid: string;
  state: 'NEXT' | 'CURRENT' | 'RETIRED';
  publicJwk: JWK;
  privateKey: Buffer;
  activeSinceMs: number;
}

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
}

/** The keys that sign tokens and verify them, as this process knows them. */
export interface SigningKeys {
  /** The one that signs now. */
  current(): SigningKey;
  /** Since when that one signs, in milliseconds since the epoch. */
  signsSinceMs(): number;
  /** All keys by which a token may still have to be verified, and the one that comes next. */
  published(): JSONWebKeySet;
  /** Finds the public key of a token, for the verifier. */
  find: JWTVerifyGetKey;
  /** Reads the keys again: another replica may have changed them. */
  reload(): Promise<void>;
  /** Deletes keys that no valid token can need. @returns how many */
  dropExpired(): Promise<number>;
}

/**
 * Opens the signing keys; makes the first one, and the one that comes next, when there are none. Replicas
 * that start at once make them together.
 * @throws Error for the operator when the vault cannot decrypt the key that signs
 */
export async function openSigningKeys(options: { db: Database; vault: KeyVault; clock: Clock }): Promise<SigningKeys> {
  const { db, vault, clock } = options;

  /** @param opened the key that signs so far: the vault need not be asked for it again, nor be there */
  async function load(opened?: SigningKey) {
    const rows = await db.query<KeyRow>(LIST, [clock.nowMs()]);
    const row = rows.find((candidate) => candidate.state === 'CURRENT');
    if (row === undefined) throw new Error('There is no current signing key in the database.');
    const published: JSONWebKeySet = { keys: rows.map((key) => key.publicJwk) };
    const current = row.kid === opened?.kid ? opened : await openKey(row, vault);
    return { current, signsSinceMs: row.activeSinceMs, published, find: createLocalJWKSet(published) };
  }

  await db.transaction((tx) => makeMissing(tx, vault, clock.nowMs()));
  let keys = await load();
  let reloading: Promise<void> = Promise.resolve();

  return {
    current: () => keys.current,
    signsSinceMs: () => keys.signsSinceMs,
    published: () => keys.published,
    find: (header, token) => keys.find(header, token),
    reload() {
      // One after the other: a read from before a change must not replace one from after it.
      reloading = reloading
        .catch(() => undefined)
        .then(async () => {
          keys = await load(keys.current);
        });
      return reloading;
    },
    async dropExpired() {
      return (await db.query(DELETE_EXPIRED, [clock.nowMs()])).length;
    },
  };
}

async function makeMissing(tx: Transaction, vault: KeyVault, nowMs: number): Promise<void> {
  await tx.query(LOCK_KEYS);
  const rows = await tx.query<Pick<KeyRow, 'state'>>(STATES);
  for (const state of ['CURRENT', 'NEXT'] as const) {
    if (!rows.some((row) => row.state === state)) await insertKey(tx, vault, state, nowMs);
  }
}

/** @throws Error for the operator when the vault cannot decrypt it */
export async function openKey(row: Pick<KeyRow, 'kid' | 'privateKey'>, vault: KeyVault): Promise<SigningKey> {
  const pkcs8 = await vault.decrypt(row.privateKey, vaultNameOf(row.kid)).catch((cause: unknown) => {
    throw new Error(
      `The signing key ${row.kid} cannot be decrypted: the key-encryption key is not the one that encrypted it. Give back the former KEY_ENCRYPTION_KEY (or KEY_ENCRYPTION_KEY_FILE).`,
      { cause },
    );
  });
  return { kid: row.kid, privateKey: await importPKCS8(pkcs8.toString(), SIGNING_ALGORITHM) };
}

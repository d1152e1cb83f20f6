import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importPKCS8,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import type { KeyVault } from './key-vault.ts';

/** Algorithm of our tokens. */
export const SIGNING_ALGORITHM = 'RS256';
const MODULUS_BITS = 2_048;

const LOCK = {
  name: 'signing-keys-lock',
  text: "select pg_advisory_xact_lock(hashtext('signing-keys:' || current_schema()))",
};
const HAS_CURRENT = { name: 'signing-keys-current', text: "select 1 from signing_keys where state = 'CURRENT'" };
const INSERT_CURRENT = {
  name: 'signing-keys-insert',
  text: `insert into signing_keys (kid, state, public_jwk, private_key, created_at_ms, activated_at_ms)
    values ($1, 'CURRENT', $2, $3, $4, $4)`,
};
const LIST = {
  name: 'signing-keys-list',
  text: `select kid, state, public_jwk as "publicJwk", private_key as "privateKey" from signing_keys
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
}

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
}

/** The keys that sign tokens and verify them, as this process knows them. */
export interface SigningKeys {
  /** The one that signs now. */
  current(): SigningKey;
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
 * Opens the signing keys; makes the first one when there is none. Replicas that start at once make one together.
 * @throws Error for the operator when the vault cannot decrypt the key that signs
 */
export async function openSigningKeys(options: { db: Database; vault: KeyVault; clock: Clock }): Promise<SigningKeys> {
  const { db, vault, clock } = options;

  async function load() {
    const rows = await db.query<KeyRow>(LIST, [clock.nowMs()]);
    const row = rows.find((candidate) => candidate.state === 'CURRENT');
    if (row === undefined) throw new Error('There is no current signing key in the database.');
    const published: JSONWebKeySet = { keys: rows.map((key) => key.publicJwk) };
    return { current: await openKey(row, vault), published, find: createLocalJWKSet(published) };
  }

  await db.transaction((tx) => makeFirst(tx, vault, clock.nowMs()));
  let keys = await load();

  return {
    current: () => keys.current,
    published: () => keys.published,
    find: (header, token) => keys.find(header, token),
    async reload() {
      keys = await load();
    },
    async dropExpired() {
      return (await db.query(DELETE_EXPIRED, [clock.nowMs()])).length;
    },
  };
}

async function makeFirst(tx: Transaction, vault: KeyVault, nowMs: number): Promise<void> {
  await tx.query(LOCK);
  if ((await tx.query(HAS_CURRENT)).length > 0) return;
  const pair = await generateKeyPair(SIGNING_ALGORITHM, { modulusLength: MODULUS_BITS, extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const publicJwk: JWK = { ...jwk, kid, alg: SIGNING_ALGORITHM, use: 'sig' };
  const encrypted = await vault.encrypt(Buffer.from(await exportPKCS8(pair.privateKey)), vaultName(kid));
  await tx.query(INSERT_CURRENT, [kid, JSON.stringify(publicJwk), encrypted, nowMs]);
}

async function openKey(row: KeyRow, vault: KeyVault): Promise<SigningKey> {
  const pkcs8 = await vault.decrypt(row.privateKey, vaultName(row.kid)).catch((cause: unknown) => {
    throw new Error(
      `The signing key ${row.kid} cannot be decrypted: the key-encryption key is not the one that encrypted it. Give back the former KEY_ENCRYPTION_KEY (or KEY_ENCRYPTION_KEY_FILE).`,
      { cause },
    );
  });
  return { kid: row.kid, privateKey: await importPKCS8(pkcs8.toString(), SIGNING_ALGORITHM) };
}

function vaultName(kid: string): string {
  return `signing-key/${kid}`;
}

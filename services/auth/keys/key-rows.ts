import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import type { Transaction } from '#kit/db/database.ts';
import { type KeyVault, vaultNameOf } from './key-vault.ts';

/** Algorithm of our tokens. */
export const SIGNING_ALGORITHM = 'RS256';
const MODULUS_BITS = 2_048;

/** Held by whoever changes the keys: one at a time, in all replicas. Who reads them does not wait. */
export const LOCK_KEYS = {
  name: 'signing-keys-lock',
  text: 'lock table signing_keys in share row exclusive mode',
};
const INSERT = {
  name: 'signing-keys-insert',
  text: `insert into signing_keys (kid, state, public_jwk, private_key, created_at_ms, activated_at_ms)
    values ($1, $2, $3, $4, $5, $6)`,
};

/** A new pair as a row: CURRENT signs at once, NEXT is only published. */
export async function insertKey(
  tx: Transaction,
  vault: KeyVault,
  state: 'CURRENT' | 'NEXT',
  nowMs: number,
): Promise<void> {
  const pair = await generateKeyPair(SIGNING_ALGORITHM, { modulusLength: MODULUS_BITS, extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const publicJwk: JWK = { ...jwk, kid, alg: SIGNING_ALGORITHM, use: 'sig' };
  const encrypted = await vault.encrypt(Buffer.from(await exportPKCS8(pair.privateKey)), vaultNameOf(kid));
  const activatedAtMs = state === 'CURRENT' ? nowMs : null;
  await tx.query(INSERT, [kid, state, JSON.stringify(publicJwk), encrypted, nowMs, activatedAtMs]);
}

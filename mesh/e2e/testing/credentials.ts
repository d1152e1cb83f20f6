import { createHmac, createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto';
import { importPKCS8, SignJWT } from 'jose';
import { openLocalVault } from '../../../services/auth/keys/local-vault.ts';
import type { Stack } from '../../local/stack/stack.ts';
import { inDatabase } from './database.ts';

type Header = Readonly<Record<string, string>>;
type Claims = Readonly<Record<string, unknown>>;

/** Makes tokens that the stack has not given: with its own key, taken from its database, or without. */
export type Forge = {
  /** The payload of a token that would be right. */
  readonly claims: (userId: string, changes?: Claims) => Claims;
  /** Signed with the stack's own key. */
  readonly sign: (claims: Claims, header?: Header) => Promise<string>;
  /** The algorithm `none`. */
  readonly unsigned: (claims: Claims) => string;
  /** HS256 with the public key as the secret. */
  readonly confused: (claims: Claims) => string;
};

type KeyRow = { readonly kid: string; readonly public_jwk: JsonWebKey; readonly private_key: Buffer };

export async function openForge(stack: Stack): Promise<Forge> {
  const row = await readKey(stack.urls.database);
  const vault = await openLocalVault({ key: stack.secrets.keyEncryptionKey });
  const pem = await vault.decrypt(row.private_key, `signing-key/${row.kid}`);
  const privateKey = await importPKCS8(pem.toString(), 'RS256');
  const header = { typ: 'at+jwt', kid: row.kid };
  const publicPem = createPublicKey({ key: row.public_jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  return {
    claims: (userId, changes) => {
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const times = { iat: nowSeconds, exp: nowSeconds + 600, auth_time: nowSeconds };
      const scope = 'profile:read profile:write posts:read posts:write follows:write feed:read';
      const ids = { sub: userId, sid: randomUUID(), jti: randomUUID(), client_id: 'oxo' };
      return { iss: stack.publicUrl, aud: 'oxo-api', scope, ...ids, ...times, ...changes };
    },
    sign: (claims, more) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', ...header, ...more }).sign(privateKey),
    unsigned: (claims) => `${encode({ alg: 'none', ...header })}.${encode(claims)}.`,
    confused: (claims) => {
      const signed = `${encode({ alg: 'HS256', ...header })}.${encode(claims)}`;
      return `${signed}.${createHmac('sha256', publicPem).update(signed).digest('base64url')}`;
    },
  };
}

function readKey(databaseUrl: string): Promise<KeyRow> {
  return inDatabase(databaseUrl, async (client) => {
    const found = await client.query<KeyRow>("select * from auth.signing_keys where state = 'CURRENT'");
    if (found.rows[0] === undefined) throw new Error('there is no signing key');
    return found.rows[0];
  });
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

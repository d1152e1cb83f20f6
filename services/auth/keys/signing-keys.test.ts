import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { systemClock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { createTokenVerifier, type TokenVerifier } from '#kit/identity/token-verifier.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { refused } from '#kit/testing/refused.ts';
import { testSchema } from '../testing/schema.ts';
import { createTokenIssuer, type TokenIssuer } from '../tokens/token-issuer.ts';
import type { KeyVault } from './key-vault.ts';
import { openLocalVault } from './local-vault.ts';
import { openSigningKeys, type SigningKeys } from './signing-keys.ts';

const ISSUER = 'http://oxo.test';
const session = {
  accountId: '01890000-0000-7000-8000-000000000001',
  sessionId: '01890000-0000-7000-8000-000000000002',
  signedInAtMs: 0,
};

let database: TestDatabase;
let db: Database;
let vault: KeyVault;
let keys: SigningKeys;
let issuer: TokenIssuer;
let verifier: TokenVerifier;

before(async () => {
  database = await createTestDatabase(testSchema);
  db = database.db;
  vault = await newVault();
  const clock = systemClock;
  const opened = await Promise.all([1, 2, 3].map(() => openSigningKeys({ db, vault, clock })));
  assert.equal(new Set(opened.map((each) => each.current().kid)).size, 1, 'replicas that start at once make one key');
  keys = opened[0] ?? assert.fail();
  issuer = createTokenIssuer({ keys, issuer: ISSUER, clock });
  verifier = createTokenVerifier({ keys: keys.find, issuer: ISSUER, denyList: createDenyList(clock), clock });
});
after(() => database.close());

const newVault = () => openLocalVault({ key: randomBytes(32).toString('base64') });

const refuses = (token: string) => assert.rejects(async () => verifier.verifyUser(token), refused('TOKEN_INVALID'));

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('only the public half is published', async () => {
  const [jwk] = keys.published().keys;
  assert.deepEqual(Object.keys(jwk ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
  const rows = await db.query<{ private_key: Buffer }>({
    name: 'test-private',
    text: 'select private_key from signing_keys',
  });
  assert.ok(rows.every((row) => !row.private_key.includes('PRIVATE KEY')));
});

test('another vault is told at the start', async () => {
  await assert.rejects(
    openSigningKeys({ db, vault: await newVault(), clock: systemClock }),
    /cannot be decrypted: the key-encryption key is not the one that encrypted it/,
  );
});

test('only what a published key has signed by RS256 is believed', async () => {
  const { token } = await issuer.accessToken(session);
  assert.equal((await verifier.verifyUser(token)).sessionId, session.sessionId);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const { kid } = keys.current();

  await refuses(`${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`);
  await refuses(`${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`);
  await refuses(`${header}.${payload}.`);
  await refuses(
    `${header}.${encode({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'other' })}.${signature}`,
  );

  // The public key as the secret of an HMAC.
  const jwk = keys.published().keys[0] as JWK;
  const publicKey = await importJWK(jwk, 'RS256', { extractable: true });
  assert.ok(!(publicKey instanceof Uint8Array));
  for (const secret of [await exportSPKI(publicKey), JSON.stringify(jwk)]) {
    const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`;
    await refuses(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
  }
});

test('another key, a key in the header, another type, issuer, audience or time is refused', async () => {
  const other = await generateKeyPair('RS256');
  const nowSeconds = Math.floor(systemClock.nowMs() / 1_000);
  const { kid, privateKey } = keys.current();
  const sign = (changes: {
    key?: typeof privateKey;
    header?: object;
    issuer?: string;
    audience?: string;
    lifetime?: number;
  }) =>
    new SignJWT({ sid: session.sessionId, client_id: 'oxo', scope: 'posts:read' })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid, ...changes.header })
      .setIssuer(changes.issuer ?? ISSUER)
      .setAudience(changes.audience ?? 'oxo-api')
      .setSubject(session.accountId)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + (changes.lifetime ?? 60))
      .setJti('1')
      .sign(changes.key ?? privateKey);
  assert.ok(await verifier.verifyUser(await sign({})));
  await refuses(await sign({ key: other.privateKey }));
  await refuses(await sign({ key: other.privateKey, header: { kid: 'unknown' } }));
  await refuses(
    await sign({ key: other.privateKey, header: { kid: undefined, jwk: await exportJWK(other.publicKey) } }),
  );
  await refuses(await sign({ header: { typ: 'JWT' } }));
  await refuses(await sign({ header: { typ: undefined } }));
  await refuses(await sign({ issuer: 'http://elsewhere.test' }));
  await refuses(await sign({ audience: 'oxo-internal' }));
  await refuses(await sign({ lifetime: -1 }));
});

test('a retired key is published until it expires, then it is deleted', async () => {
  let nowMs = systemClock.nowMs();
  const clock = { nowMs: () => nowMs };
  const insert = {
    name: 'test-key-insert',
    text: `insert into signing_keys (kid, state, public_jwk, private_key, created_at_ms, expires_at_ms)
      select $1, $2, jsonb_set(public_jwk, '{kid}', to_jsonb($1::text)), private_key, created_at_ms, $3
      from signing_keys where state = 'CURRENT'`,
  };
  await db.query(insert, ['old', 'RETIRED', nowMs + 1_000]);
  const reader = await openSigningKeys({ db, vault, clock });
  const published = () => new Set(reader.published().keys.map(({ kid }) => kid));
  const [coming] = [...published()].filter((kid) => kid !== reader.current().kid && kid !== 'old');
  assert.deepEqual(published(), new Set([reader.current().kid, 'old', coming]));
  assert.equal(await reader.dropExpired(), 0);
  nowMs += 1_000;
  await reader.reload();
  assert.deepEqual(published(), new Set([reader.current().kid, coming]));
  assert.equal(await reader.dropExpired(), 1);
});

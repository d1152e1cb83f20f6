import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { openLocalVault } from '../../keys/local-vault.ts';
import { openSigningKeys } from '../../keys/signing-keys.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

const newKey = () => randomBytes(32).toString('base64');
/** With a token of its own each time: a rotation by force refuses those from before it. */
async function rewrap() {
  const { token } = await service.issuer.serviceToken('operator');
  return service.internalWithToken(token).rewrapSigningKeys({});
}

/** Private keys and the data key by the key-encryption key that they lie under. */
async function wrappedWith(): Promise<Record<string, number>> {
  const rows = await service.db.query<{ privateKey: Buffer }>({
    name: 'test-private-keys',
    text: 'select private_key as "privateKey" from signing_keys union all select key from data_keys',
  });
  const ids = rows.map(({ privateKey }) => service.vault.keyIdOf(privateKey) ?? 'unknown');
  return Object.fromEntries([...new Set(ids)].map((id) => [id, ids.filter((other) => other === id).length]));
}

/** As a replica that starts now, with this file of keys. */
const openAnew = async () =>
  openSigningKeys({ db: service.db, clock: service.clock, vault: await openLocalVault({ file: service.keyFile }) });

test('all private keys and the data key are encrypted anew, and then the key before may be taken away', async () => {
  const [old, fresh] = [(await readFile(service.keyFile, 'utf8')).trim(), newKey()];
  const oldId = await service.vault.keyId();
  assert.deepEqual(await wrappedWith(), { [oldId]: 3 });
  assert.deepEqual(await rewrap(), { keyId: oldId, rewrapped: 0, leftKids: [] });

  await writeFile(service.keyFile, `${fresh}\n${old}\n`);
  const { keyId, rewrapped, leftKids } = await rewrap();
  assert.deepEqual([rewrapped, leftKids], [3, []]);
  assert.notEqual(keyId, oldId);
  assert.deepEqual(await wrappedWith(), { [keyId]: 3 });
  assert.deepEqual(await rewrap(), { keyId, rewrapped: 0, leftKids: [] });

  const logged = await service.db.query<{ details: object }>({
    name: 'test-rewrapped',
    text: "select details from audit.log where action = 'REWRAP_SIGNING_KEYS' and actor_kind = 'OPERATOR' order by id",
  });
  assert.deepEqual(logged[1]?.details, { keyEncryptionKey: keyId, rewrapped: '3', left: '0' });

  await writeFile(service.keyFile, `${fresh}\n`);
  assert.equal((await openAnew()).current().kid, service.keys.current().kid);
  await service.rotation.rotate({ force: true }, { requestId: 'test' });
  assert.equal((await openAnew()).current().kid, service.keys.current().kid);
});

test('what cannot be decrypted is told and stays, and the others are encrypted anew', async () => {
  const lost = (await readFile(service.keyFile, 'utf8')).trim();
  const lostId = await service.vault.keyId();
  const kept = newKey();
  await writeFile(service.keyFile, `${kept}\n${lost}\n`);
  const { keyId } = await rewrap();
  const insert = {
    name: 'test-lost-key',
    text: `insert into signing_keys (kid, state, public_jwk, private_key, created_at_ms, expires_at_ms)
      select 'lost', 'RETIRED', jsonb_set(public_jwk, '{kid}', '"lost"'), $1, created_at_ms, $2 from signing_keys where state = 'CURRENT'`,
  };
  const other = await (await openLocalVault({ key: newKey() })).encrypt(Buffer.from('private'), 'signing-key/lost');
  await service.db.query(insert, [other, service.clock.nowMs() + 1_000_000]);
  const fresh = newKey();
  await writeFile(service.keyFile, `${fresh}\n${kept}\n`);
  const answer = await rewrap();
  assert.deepEqual([answer.rewrapped, answer.leftKids], [3, ['lost']]);
  const wrapped = await wrappedWith();
  assert.deepEqual([wrapped[answer.keyId], wrapped[keyId], wrapped[lostId]], [3, undefined, undefined]);
});

test('what is known is not decrypted again: a vault that is away stops neither signing nor reading the keys', async () => {
  const text = await readFile(service.keyFile, 'utf8');
  await writeFile(service.keyFile, 'damaged');
  await service.keys.reload();
  assert.ok((await service.signIn()).accessToken);
  await assert.rejects(rewrap(), refused('UNAVAILABLE'));
  await writeFile(service.keyFile, text);
  assert.equal((await rewrap()).rewrapped, 0);
});

test('by itself what names its key is encrypted anew, and what an earlier version could not read then is left', async () => {
  const text = await readFile(service.keyFile, 'utf8');
  const named = await wrappedWith();
  await writeFile(service.keyFile, `${newKey()}\n${text}`);
  const keyId = await service.vault.keyId();
  const unnamed = { name: 'test-unnamed', text: "update signing_keys set private_key = '\\x01' where state = 'NEXT'" };
  await service.db.query(unnamed);
  await service.rewrapping.rewrapWhenDue();
  const wrapped = await wrappedWith();
  assert.deepEqual([wrapped[keyId], wrapped.unknown], [2, 1]);
  assert.ok(Object.keys(named).every((id) => id !== keyId));
});

test('only the operator may', async () => {
  await assert.rejects(service.internal().rewrapSigningKeys({}), refused('TOKEN_MISSING'));
  for (const name of ['auth', 'user', 'post', 'feed']) {
    await assert.rejects(service.internal(name).rewrapSigningKeys({}), refused('CALLER_NOT_ALLOWED'));
  }
});

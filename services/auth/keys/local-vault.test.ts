import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testKeyVault } from '../testing/key-vault-suite.ts';
import { KeyVaultError } from './key-vault.ts';
import { openLocalVault } from './local-vault.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oxo-test-'));
});
after(() => rm(directory, { recursive: true }));

const newKey = () => randomBytes(32).toString('base64');

async function keyFile(text: string): Promise<string> {
  const file = join(directory, randomBytes(8).toString('hex'));
  await writeFile(file, text);
  return file;
}

testKeyVault('environment', () => openLocalVault({ key: newKey() }));
testKeyVault('file', async () => openLocalVault({ file: await keyFile(`${newKey()}\n`) }));

test('the same key in a file and in the environment is the same vault', async () => {
  const key = newKey();
  const encrypted = await (await openLocalVault({ key })).encrypt(Buffer.from('secret'), 'name');
  const decrypted = await (await openLocalVault({ file: await keyFile(key) })).decrypt(encrypted, 'name');
  assert.equal(decrypted.toString(), 'secret');
});

test('the first of several keys encrypts, all decrypt, and one that was taken away does not', async () => {
  const [old, fresh] = [newKey(), newKey()];
  const before = await openLocalVault({ key: old });
  const [byOld, byNone] = [await before.encrypt(Buffer.from('secret'), 'name'), withoutId(old, 'secret', 'name')];
  const between = await openLocalVault({ key: `${fresh},${old}` });
  assert.equal((await between.decrypt(byOld, 'name')).toString(), 'secret');
  assert.equal((await between.decrypt(byNone, 'name')).toString(), 'secret', 'from before keys had ids');
  assert.equal(between.keyIdOf(byNone), undefined);
  const encrypted = await between.encrypt(Buffer.from('secret'), 'name');
  const after = await openLocalVault({ key: fresh });
  assert.equal((await after.decrypt(encrypted, 'name')).toString(), 'secret');
  assert.equal(between.keyIdOf(encrypted), await after.keyId());
  await assert.rejects(after.decrypt(byOld, 'name'), new RegExp(`${await before.keyId()}, which is not here`));
  await assert.rejects(after.decrypt(byNone, 'name'), KeyVaultError);
});

test('a file is read again before anything is encrypted, and when a key is missing', async () => {
  const [old, fresh] = [newKey(), newKey()];
  const file = await keyFile(old);
  const [one, two] = [await openLocalVault({ file }), await openLocalVault({ file })];
  await writeFile(file, `${fresh}\n${old}\n`);
  const encrypted = await one.encrypt(Buffer.from('secret'), 'name');
  assert.equal(one.keyIdOf(encrypted), await (await openLocalVault({ key: fresh })).keyId());
  assert.equal((await two.decrypt(encrypted, 'name')).toString(), 'secret');
  await writeFile(file, 'damaged');
  assert.equal((await two.decrypt(encrypted, 'name')).toString(), 'secret', 'what is known is not asked for again');
  await assert.rejects(two.encrypt(Buffer.from('secret'), 'name'), /KEY_ENCRYPTION_KEY_FILE: must be 32 bytes/);
});

/** As it was encrypted before keys had ids. */
function withoutId(key: string, secret: string, name: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), nonce).setAAD(Buffer.from(name));
  const body = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([Buffer.of(1), nonce, cipher.getAuthTag(), body]);
}

test('a key that is none is refused, and not told', async () => {
  const short = randomBytes(31).toString('base64');
  await assert.rejects(
    openLocalVault({ key: short }),
    /^KeyVaultError: KEY_ENCRYPTION_KEY: must be 32 bytes in base64, or several such keys while one is replaced$/,
  );
  const key = newKey();
  await assert.rejects(openLocalVault({ key: `${key},${key}` }), /^KeyVaultError: KEY_ENCRYPTION_KEY: must not have/);
  const nine = Array.from({ length: 9 }, newKey).join('\n');
  await assert.rejects(openLocalVault({ file: await keyFile(nine) }), /KEY_ENCRYPTION_KEY_FILE: must be at most 8/);
  await assert.rejects(openLocalVault({ file: await keyFile('') }), /KEY_ENCRYPTION_KEY_FILE: must be 32 bytes/);
  await assert.rejects(
    openLocalVault({ file: join(directory, 'nowhere') }),
    /KEY_ENCRYPTION_KEY_FILE: the file cannot be read/,
  );
});

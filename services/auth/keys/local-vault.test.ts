import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testKeyVault } from '../testing/key-vault-suite.ts';
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

test('a key that is none is refused, and not told', async () => {
  const short = randomBytes(31).toString('base64');
  await assert.rejects(
    openLocalVault({ key: short }),
    /^KeyVaultError: KEY_ENCRYPTION_KEY: must be 32 bytes in base64$/,
  );
  await assert.rejects(openLocalVault({ file: await keyFile('') }), /KEY_ENCRYPTION_KEY_FILE: must be 32 bytes/);
  await assert.rejects(
    openLocalVault({ file: join(directory, 'nowhere') }),
    /KEY_ENCRYPTION_KEY_FILE: the file cannot be read/,
  );
});

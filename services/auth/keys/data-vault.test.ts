import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openDataVault } from './data-vault.ts';
import { openLocalVault } from './local-vault.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

const newKey = () => randomBytes(32).toString('base64');
const open = async (keys: string) =>
  openDataVault({ db: service.db, clock: service.clock, vault: await openLocalVault({ key: keys }) });
const currentKeys = async () => (await readFile(service.keyFile, 'utf8')).trim();
const DELETE = { name: 'test-delete-data-keys', text: 'delete from data_keys' };

test('replicas that start at once make one key, and read what the others encrypt', async () => {
  await service.db.query(DELETE);
  const keys = await currentKeys();
  const vaults = await Promise.all([open(keys), open(keys), open(keys)]);
  const encrypted = await vaults[0]?.encrypt(Buffer.from('secret'), 'totp/a');
  for (const vault of [...vaults, await open(keys)]) {
    assert.equal((await vault.decrypt(encrypted ?? Buffer.of(), 'totp/a')).toString(), 'secret');
    await assert.rejects(
      vault.decrypt(encrypted ?? Buffer.of(), 'totp/b'),
      /encrypted with another key, under another name/,
    );
  }
});

test('the key lies under the key-encryption key, and goes on after that was replaced', async () => {
  const former = await currentKeys();
  const encrypted = await (await open(former)).encrypt(Buffer.from('secret'), 'totp/a');
  const fresh = newKey();
  await writeFile(service.keyFile, `${fresh}\n${former}\n`);
  const { leftKids } = await service.rewrapping.rewrap({ requestId: 'test' });
  assert.deepEqual(leftKids, []);
  assert.equal((await (await open(fresh)).decrypt(encrypted, 'totp/a')).toString(), 'secret');
  await assert.rejects(open(former), /The data key .* cannot be decrypted: .*Give back the former KEY_ENCRYPTION_KEY/);
});

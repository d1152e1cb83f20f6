import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeyVault, KeyVaultError } from '../keys/key-vault.ts';

/** What every adapter of the port must do. @param open opens a vault with a new key each time */
export function testKeyVault(name: string, open: () => Promise<KeyVault>): void {
  test(`${name}: what was encrypted is decrypted`, async () => {
    const vault = await open();
    for (const secret of [Buffer.alloc(0), Buffer.from('secret'), Buffer.alloc(10_000, 7)]) {
      const encrypted = await vault.encrypt(secret, 'name');
      assert.deepEqual(await vault.decrypt(encrypted, 'name'), secret);
      if (secret.length > 0) assert.ok(!encrypted.includes(secret));
    }
    const twice = [
      await vault.encrypt(Buffer.from('secret'), 'name'),
      await vault.encrypt(Buffer.from('secret'), 'name'),
    ];
    assert.notDeepEqual(twice[0], twice[1]);
  });

  test(`${name}: what was encrypted tells by which key, and the key is not told`, async () => {
    const vault = await open();
    const encrypted = await vault.encrypt(Buffer.from('secret'), 'name');
    assert.equal(vault.keyIdOf(encrypted), await vault.keyId());
    assert.equal(vault.keyIdOf(Buffer.alloc(0)), undefined);
  });

  test(`${name}: another name, another vault or a changed byte is refused`, async () => {
    const vault = await open();
    const encrypted = await vault.encrypt(Buffer.from('secret'), 'name');
    await assert.rejects(vault.decrypt(encrypted, 'other'), KeyVaultError);
    await assert.rejects((await open()).decrypt(encrypted, 'name'), KeyVaultError);
    for (let index = 0; index < encrypted.length; index += 1) {
      const changed = Buffer.from(encrypted);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await assert.rejects(vault.decrypt(changed, 'name'), KeyVaultError);
    }
    await assert.rejects(vault.decrypt(encrypted.subarray(0, 10), 'name'), KeyVaultError);
    await assert.rejects(vault.decrypt(Buffer.alloc(0), 'name'), KeyVaultError);
  });
}

import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from './cli/cli-error.ts';
import { changeSecrets, keyFileOf, loadSecrets, newKeyEncryptionKey } from './secrets.ts';
import { temporaryFolder } from './testing/temporary.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('secrets are made once, and only their owner can read them', () => {
  const folder = temporaryFolder();
  const secrets = loadSecrets(folder, ['auth']);
  assert.equal(modeOf(join(folder, 'secrets.json')), 0o600);
  assert.equal(Buffer.from(secrets.keyEncryptionKey, 'base64').length, 32);
  assert.deepEqual(loadSecrets(folder, ['auth']), secrets);
});

test('a new service gets its own, and the others keep theirs', () => {
  const folder = temporaryFolder();
  const before = loadSecrets(folder, ['auth']);
  const after = loadSecrets(folder, ['auth', 'search']);
  assert.deepEqual(after.services.auth, before.services.auth);
  assert.deepEqual(after.admin, before.admin);
  assert.notEqual(after.services.search?.database, after.services.auth?.database);
});

test('what secrets from before do not have is added to them', () => {
  const folder = temporaryFolder();
  const { operator, oauthCookies, apiKeyTags, mailTokens, redisMonitoring, prometheus, ...before } = loadSecrets(
    folder,
    ['auth'],
  );
  writeFileSync(join(folder, 'secrets.json'), JSON.stringify(before));
  const after = loadSecrets(folder, ['auth']);
  assert.ok(after.operator.length >= 32 && after.operator !== operator);
  assert.equal(Buffer.from(after.oauthCookies, 'base64').length, 32);
  assert.equal(Buffer.from(after.apiKeyTags, 'base64').length, 32);
  assert.notEqual(after.oauthCookies, oauthCookies);
  assert.equal(new Set([after.redisMonitoring, after.monitoring, after.prometheus]).size, 3);
  const own = { operator, oauthCookies, apiKeyTags, mailTokens, redisMonitoring, prometheus };
  assert.deepEqual({ ...after, ...own }, { ...before, ...own });
  assert.deepEqual(loadSecrets(folder, ['auth']), after);
});

test('a file that others can read is closed again', () => {
  const folder = temporaryFolder();
  loadSecrets(folder, []);
  chmodSync(join(folder, 'secrets.json'), 0o644);
  loadSecrets(folder, []);
  assert.equal(modeOf(join(folder, 'secrets.json')), 0o600);
});

test('a broken file is an error that says so, and is not written over', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'secrets.json'), '{');
  assert.throws(() => loadSecrets(folder, ['auth']), CliError);
});

test('the key-encryption keys stand in the file that auth reads, the one that encrypts first', () => {
  const folder = temporaryFolder();
  const { keyEncryptionKey: old } = loadSecrets(folder, ['auth']);
  const keyFile = () => readFileSync(keyFileOf(folder), 'utf8');
  assert.equal(keyFile(), `${old}\n`);
  assert.equal(modeOf(keyFileOf(folder)), 0o600);
  const both = changeSecrets(folder, (secrets) => ({
    ...secrets,
    ...newKeyEncryptionKey(),
    formerKeyEncryptionKeys: [secrets.keyEncryptionKey],
  }));
  assert.equal(keyFile(), `${both.keyEncryptionKey}\n${old}\n`);
  rmSync(keyFileOf(folder));
  assert.deepEqual(loadSecrets(folder, ['auth']), both);
  assert.equal(keyFile(), `${both.keyEncryptionKey}\n${old}\n`, 'after a kill between the two files');
});

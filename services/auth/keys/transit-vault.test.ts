import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createCertificate } from '../testing/certificate.ts';
import { testKeyVault } from '../testing/key-vault-suite.ts';
import { startTestVault, type TestVault } from '../testing/vault-server.ts';
import { type KeyVault, KeyVaultError } from './key-vault.ts';
import { openKeyVault, type TransitSource } from './open-vault.ts';

let folder: string;
let nowMs = Date.now();
const clock = { nowMs: () => nowMs };
const servers: TestVault[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxo-test-'));
  await writeFile(join(folder, 'root'), 'root\n');
  await writeFile(join(folder, 'service-account'), 'service-account\n');
});
after(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await rm(folder, { recursive: true });
});

async function startVault(...options: Parameters<typeof startTestVault>): Promise<TestVault> {
  const server = await startTestVault(...options);
  servers.push(server);
  return server;
}

const byFile = () => ({ tokenFile: join(folder, 'root') });
const byKubernetes = (role = 'oxo-auth') => ({
  kubernetes: { role, mount: 'kubernetes', serviceAccountFile: join(folder, 'service-account') },
});

function open({ address }: TestVault, changes: Partial<TransitSource> = {}): Promise<KeyVault> {
  const source = { address, namespace: undefined, caFile: undefined, mount: 'transit', key: 'oxo', login: byFile() };
  return openKeyVault({ transit: { ...source, ...changes }, encryptsBy: 'transit' }, clock);
}

const answerWith =
  (status: number, text = '') =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(text);

const secret = Buffer.from('secret');

/** What the vault was asked since a moment. */
const asked = (server: TestVault, since: number) => server.requests.slice(since);

testKeyVault('transit', async () => open(await startVault()));

test('a new version of the key encrypts from then on, and is told from the one before', async () => {
  const server = await startVault();
  const vault = await open(server);
  const old = await vault.encrypt(secret, 'name');
  server.rotate();
  assert.deepEqual([vault.keyIdOf(old), await vault.keyId()], ['transit/oxo:v1', 'transit/oxo:v2']);
  assert.equal(vault.keyIdOf(await vault.encrypt(secret, 'name')), 'transit/oxo:v2');
  assert.deepEqual(await vault.decrypt(old, 'name'), secret);
});

test('what passes is tried again, three times in all', async () => {
  const server = await startVault();
  const vault = await open(server);
  server.instead = [answerWith(503, '{"errors":["Vault is sealed"]}'), answerWith(429)];
  assert.ok(await vault.encrypt(secret, 'name'));
  const since = server.requests.length;
  server.instead = [1, 2, 3, 4].map(() => answerWith(503, '{"errors":["Vault is sealed"]}'));
  await assert.rejects(
    vault.encrypt(secret, 'name'),
    /Vault refuses transit\/encrypt\/oxo: Vault is sealed \(status 503\)/,
  );
  assert.equal(asked(server, since).length, 3);
  server.instead = [1, 2, 3].map(() => (response: ServerResponse) => void response.destroy());
  await assert.rejects(vault.encrypt(secret, 'name'), /Vault does not answer at http:\/\/127/);
});

test('what Vault answers wrongly is refused: too long, no JSON, another ciphertext', async () => {
  const server = await startVault();
  const vault = await open(server);
  server.instead = [1, 2, 3].map(() => answerWith(200, `"${'x'.repeat(1024 * 1024)}"`));
  await assert.rejects(vault.encrypt(secret, 'name'), /its answer is too long/);
  for (const text of ['<html>', '{}', '{"data":{"ciphertext":"secret"}}']) {
    server.instead = [answerWith(200, text)];
    await assert.rejects(vault.encrypt(secret, 'name'), /VAULT_ADDR may name something else/);
  }
});

test('a service account logs in once, again before its token ends, and once more when it was revoked', async () => {
  const server = await startVault();
  const vault = await open(server, { login: byKubernetes() });
  const logins = () => server.requests.filter((request) => request === 'POST auth/kubernetes/login').length;
  await Promise.all([vault.encrypt(secret, 'name'), vault.encrypt(secret, 'name')]);
  assert.equal(logins(), 1);
  nowMs += (server.leaseSeconds * 1_000 * 2) / 3 - 1;
  await vault.encrypt(secret, 'name');
  assert.equal(logins(), 1);
  nowMs += 1;
  await vault.encrypt(secret, 'name');
  assert.equal(logins(), 2);
  server.tokens.clear();
  await vault.encrypt(secret, 'name');
  assert.equal(logins(), 3);
});

test('who may not come in, or not do it, is told so once', async () => {
  const server = await startVault();
  await assert.rejects(
    open(server, { login: byKubernetes('stranger') }),
    /Vault does not let role stranger in by auth\/kubernetes: permission denied \(status 403\)/,
  );
  server.tokens.clear();
  const since = server.requests.length;
  await assert.rejects(open(server), /Vault refuses transit\/keys\/oxo: permission denied \(status 403\)/);
  assert.equal(asked(server, since).length, 2, 'once more: the file may hold another token by now');
  await assert.rejects(open(server, { login: { tokenFile: join(folder, 'nowhere') } }), /VAULT_TOKEN_FILE: the file/);
  await writeFile(join(folder, 'lines'), 'one\ntwo');
  await assert.rejects(open(server, { login: { tokenFile: join(folder, 'lines') } }), /does not hold a token/);
});

test('a key that does not bind a secret to its name is refused', async () => {
  const server = await startVault();
  server.keyType = 'rsa-4096';
  await assert.rejects(open(server), /transit\/keys\/oxo is of type rsa-4096: it must be one of aes128-gcm96/);
});

test('by TLS only whom the authority has signed is believed', async () => {
  const certificate = createCertificate();
  const server = await startVault((listener) => createTlsServer(certificate, listener), 'https');
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, certificate.cert);
  const vault = await open(server, { caFile });
  assert.deepEqual(await vault.decrypt(await vault.encrypt(secret, 'name'), 'name'), secret);
  await assert.rejects(open(server), /Vault does not answer at https.*self-signed certificate/);
  await writeFile(join(folder, 'other.pem'), createCertificate().cert);
  await assert.rejects(open(server, { caFile: join(folder, 'other.pem') }), KeyVaultError);
  await assert.rejects(open(server, { caFile: join(folder, 'nowhere') }), /VAULT_CACERT: the file cannot be read/);
});

test('with keys of both kinds, each decrypts what it encrypted', async () => {
  const server = await startVault();
  const local = { key: Buffer.alloc(32, 7).toString('base64') };
  const source = { address: server.address, namespace: undefined, caFile: undefined, mount: 'transit', key: 'oxo' };
  const both = (encryptsBy: 'local' | 'transit') =>
    openKeyVault({ local, transit: { ...source, login: byFile() }, encryptsBy }, clock);
  const [here, there] = [await both('local'), await both('transit')];
  const [byLocal, byTransit] = [await here.encrypt(secret, 'name'), await there.encrypt(secret, 'name')];
  for (const vault of [here, there]) {
    assert.deepEqual(await vault.decrypt(byLocal, 'name'), secret);
    assert.deepEqual(await vault.decrypt(byTransit, 'name'), secret);
  }
  assert.deepEqual([here.keyIdOf(byTransit), there.keyIdOf(byLocal)], ['transit/oxo:v1', await here.keyId()]);
  assert.deepEqual((await (await openKeyVault({ local }, clock)).decrypt(byLocal, 'name')).toString(), 'secret');
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import type { ConfigMap, Pod, Secret, Volume } from '../api/types.ts';
import { MissingError, type Sources } from './environment.ts';
import { filesOf, writeVolume } from './volumes.ts';

const pod: Pod = {
  metadata: { name: 'user-1', namespace: 'oxo-app', labels: { app: 'user' } },
  spec: { containers: [{ name: 'app', image: 'oxo', resources: { limits: { cpu: '2' } } }] },
};
const configMap: ConfigMap = { metadata: { name: 'c' }, data: { 'a.txt': 'a' }, binaryData: { 'b.bin': 'AAE=' } };
const secret: Secret = { metadata: { name: 's' }, data: { password: Buffer.from('pa').toString('base64') } };
const sources: Sources = {
  ...{ pod, podIp: '10.88.1.1', hostIp: '10.88.0.1', nodeName: 'lab' },
  configMap: (name) => (name === 'c' ? configMap : undefined),
  secret: (name) => (name === 's' ? secret : undefined),
};
const token = async (audience: string | undefined, seconds: number | undefined) => `${audience} for ${seconds} s`;

async function contents(volume: Volume): Promise<Record<string, string>> {
  const files = await filesOf(volume, sources, token);
  return Object.fromEntries(files.map(({ path, content }) => [path, content.toString('latin1')]));
}

test('ConfigMaps and Secrets are files, all of them or those that are named', async () => {
  assert.deepEqual(await contents({ name: 'v', configMap: { name: 'c' } }), { 'a.txt': 'a', 'b.bin': '\0\u0001' });
  const items = [{ key: 'password', path: 'deep/secret' }];
  assert.deepEqual(await contents({ name: 'v', secret: { secretName: 's', items } }), { 'deep/secret': 'pa' });
  assert.deepEqual(await contents({ name: 'v', emptyDir: {} }), {});
});

test('what is missing keeps a pod waiting, unless it is optional', async () => {
  await assert.rejects(contents({ name: 'v', configMap: { name: 'other' } }), MissingError);
  assert.deepEqual(await contents({ name: 'v', configMap: { name: 'other', optional: true } }), {});
  const items = [{ key: 'none', path: 'x' }];
  await assert.rejects(contents({ name: 'v', secret: { secretName: 's', items } }), /Secret s has no key none/);
});

test('a projected volume has all of its parts, tokens for whom they are meant', async () => {
  const projected = {
    sources: [
      { configMap: { name: 'c', items: [{ key: 'a.txt', path: 'ca.crt' }] } },
      { serviceAccountToken: { path: 'token', audience: 'istio-ca', expirationSeconds: 43_200 } },
      {
        downwardAPI: {
          items: [
            { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
            { path: 'cpu', resourceFieldRef: { containerName: 'app', resource: 'limits.cpu' } },
          ],
        },
      },
    ],
  };
  assert.deepEqual(await contents({ name: 'v', projected }), {
    ...{ 'ca.crt': 'a', token: 'istio-ca for 43200 s', labels: 'app="user"', cpu: '2' },
  });
});

test('files on the disk follow: what is the same is left alone, what changed is another file, what went is gone', async () => {
  const folder = join(temporaryFolder(), 'volume');
  const file = (path: string, text: string) => ({ path, content: Buffer.from(text), mode: 0o400 });
  const first = await writeVolume(folder, [file('a', '1'), file('deep/b', '1')], undefined);
  const inode = (path: string) => statSync(join(folder, path)).ino;
  const before = inode('a');
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o400);
  await writeVolume(folder, [file('a', '2')], undefined, first);
  assert.equal(readFileSync(join(folder, 'a'), 'utf8'), '2');
  const after = inode('a');
  assert.notEqual(after, before, 'who reads the one before is not disturbed');
  assert(!existsSync(join(folder, 'deep/b')));
  await writeVolume(folder, [file('a', '2'), file('deep/b', '1')], undefined);
  assert.equal(inode('a'), after);
  assert(existsSync(join(folder, 'deep/b')));
});

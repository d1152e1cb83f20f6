import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { services } from '../services.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { requireKnown } from './known.ts';
import { fingerprint, type Manifest, readVerified } from './manifest.ts';

const file = { bytes: 0, sha256: '' };

function manifest(changed: Partial<Manifest> = {}): Manifest {
  return {
    ...{ format: 2, createdAt: '', publicUrl: '', versions: { oxo: '', postgres: '', nats: '' } },
    schemas: { posts: { file: 'posts.dump', migrations: [], rows: {} } },
    streams: {
      EVENTS: { file: 'EVENTS.stream', messages: 1, lastSequence: 7, snapshot: { config: { name: 'EVENTS' } } },
    },
    consumers: { 'feed-fanout': { stream: 'EVENTS', handled: 7 } },
    files: { 'secrets.json': file, 'posts.dump': file, 'EVENTS.stream': file },
    ...changed,
  };
}

test('a description may name only schemas, streams and files of ours', () => {
  requireKnown(manifest(), services);
  const [posts, stream] = [manifest().schemas.posts, manifest().streams.EVENTS];
  assert.ok(posts !== undefined && stream !== undefined);
  const refused: [Partial<Manifest>, RegExp][] = [
    [{ schemas: { public: posts } }, /unknown schema: public/],
    [{ schemas: { posts: { ...posts, file: '../x' } } }, /unknown file of posts/],
    [{ streams: { ORDERS: stream } }, /unknown stream: ORDERS/],
    [{ streams: { EVENTS: { ...stream, file: '/etc/passwd' } } }, /unknown file of EVENTS/],
    [{ streams: { EVENTS: { ...stream, snapshot: { config: { name: 'X' } } } } }, /unknown snapshot of EVENTS: X/],
    [{ files: { ...manifest().files, '../x': file } }, /unknown file: \.\.\/x/],
    [{ consumers: { one: { stream: 'ORDERS', handled: 0 } } }, /unknown stream of consumer one/],
    [{ consumers: { one: { stream: 'EVENTS', handled: 8 } } }, /at 8, and EVENTS ends at 7/],
  ];
  for (const [changed, message] of refused) assert.throws(() => requireKnown(manifest(changed), services), message);
});

test('numbers of a description are whole and not negative', async () => {
  const folder = temporaryFolder();
  for (const name of Object.keys(manifest().files)) writeFileSync(join(folder, name), 'x');
  const files = Object.fromEntries(
    await Promise.all(Object.keys(manifest().files).map(async (name) => [name, await fingerprint(join(folder, name))])),
  );
  const write = (handled: number): void => {
    const consumers = { one: { stream: 'EVENTS', handled } };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest({ files, consumers })));
  };
  write(3);
  assert.equal((await readVerified(folder)).consumers.one?.handled, 3);
  for (const handled of [-1, 1.5]) {
    write(handled);
    await assert.rejects(readVerified(folder), /is no description of a backup/);
  }
});

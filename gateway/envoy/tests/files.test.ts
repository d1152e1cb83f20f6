import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { StaticFile } from '../settings.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { assertError, call, callHttp2 } from '../testing/http.ts';
import { plenty } from '../testing/plenty.ts';

const NOT_FOUND = { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' };
const POLICY = "default-src 'none'; script-src 'self'";
const folder = mkdtempSync(join(tmpdir(), 'oxo-files-'));

function fileOf(path: string, content: string, more: Partial<StaticFile> = {}): StaticFile {
  const file = join(folder, path.replaceAll('/', '_'));
  writeFileSync(file, content);
  writeFileSync(`${file}.gz`, gzipSync(content));
  const cacheControl = 'public, max-age=60';
  return {
    ...{ path, file, gzipFile: `${file}.gz`, bytes: content.length, contentType: 'text/html', cacheControl },
    ...{ etag: `W/"${path}"`, ...more },
  };
}

const page = fileOf('/docs', '<p>page</p>', { contentSecurityPolicy: POLICY });
const large = fileOf('/docs/assets/a.js', 'a'.repeat(1_800_000), { contentType: 'text/javascript' });
const description = fileOf('/openapi.yaml', 'openapi: 3.1.0', { readableByPages: true });
const limits = { ...plenty, network: { calls: 100, per: 'minute' } } as const;

describe('files', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ files: [page, large, description], limits });
  });
  beforeEach(() => door.upstream.reset());
  after(async () => {
    await door.stop();
    rmSync(folder, { recursive: true });
  });

  it('are answered with what they are and what they may load, whatever token comes along', async () => {
    const tokens: Record<string, string>[] = [
      { authorization: 'Bearer a.b.c' },
      { 'x-api-key': 'k' },
      { cookie: 'a=1' },
    ];
    for (const headers of [{}, ...tokens]) {
      const answer = await call(door, { path: '/docs?a=1', headers });
      assert.deepEqual([answer.status, answer.body], [200, '<p>page</p>']);
      assert.equal(answer.headers['content-type'], 'text/html');
      assert.equal(answer.headers['cache-control'], 'public, max-age=60');
      assert.equal(answer.headers['content-security-policy'], POLICY);
      assert.equal(answer.headers.etag, page.etag);
      assert.equal(answer.headers.vary, 'accept-encoding');
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      assert.equal(answer.headers['referrer-policy'], 'no-referrer');
    }
    const { headers } = await call(door, { path: large.path });
    assert.match(String(headers['content-security-policy']), /^default-src 'none'/);
    assert.deepEqual(door.upstream.calls, []);
  });

  it('are where people who open the address alone are led, and programs are not', async () => {
    const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    for (const headers of [browser, { ...browser, host: 'other.example' }]) {
      const answer = await call(door, { path: '/?a=1', headers });
      assert.deepEqual([answer.status, answer.headers.location, answer.headers.vary], [302, '/docs', 'accept']);
    }
    const programs: Record<string, string>[] = [{}, { accept: '*/*' }, { accept: 'application/json' }];
    for (const headers of programs) {
      assertError(await call(door, { path: '/', headers }), NOT_FOUND);
    }
    assertError(await call(door, { method: 'POST', path: '/', headers: browser }), NOT_FOUND);
    assertError(await call(door, { path: '/docs/', headers: browser }), NOT_FOUND);
  });

  it('come compressed to whoever takes that', async () => {
    for (const taken of [
      'gzip',
      'gzip, deflate, br',
      'br;q=1.0, gzip;q=0.5',
      'deflate , GZIP;q=1'.toLowerCase(),
      '*',
    ]) {
      const { headers, bytes } = await call(door, { path: page.path, headers: { 'accept-encoding': taken } });
      assert.equal(headers['content-encoding'], 'gzip', taken);
      assert.equal(gunzipSync(bytes).toString(), '<p>page</p>');
    }
    for (const taken of ['identity', 'br', 'gzip;q=0', 'gzip;q=0.0, br', 'xgzip', '']) {
      const { headers, body } = await call(door, { path: page.path, headers: { 'accept-encoding': taken } });
      assert.equal(headers['content-encoding'], undefined, taken);
      assert.equal(body, '<p>page</p>', taken);
    }
    const [overHttp2] = await callHttp2(door, [{ path: large.path }]);
    assert.equal(overHttp2?.bytes.length, large.bytes);
  });

  it('are not sent again to whoever has them', async () => {
    const known = await call(door, { path: '/docs', headers: { 'if-none-match': `"x", ${page.etag}` } });
    assert.deepEqual([known.status, known.body, known.headers.etag], [304, '', page.etag]);
    assert.equal(known.headers['cache-control'], 'public, max-age=60');
    const changed = await call(door, { path: '/docs', headers: { 'if-none-match': '"x"' } });
    assert.equal(changed.status, 200);
  });

  it('tell of themselves by HEAD', async () => {
    const head = await call(door, { method: 'HEAD', path: '/openapi.yaml' });
    assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '14']);
    assert.equal(head.headers.etag, description.etag);
  });

  it('are nothing else', async () => {
    for (const path of [
      '/docs/',
      '/docs/nowhere',
      '/docs/assets',
      '/docsx',
      '/docs/assets/a.js.gz',
      '/openapi.yaml/x',
    ]) {
      assertError(await call(door, { path }), NOT_FOUND);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const path of ['/docs', large.path]) assertError(await call(door, { method, path }), NOT_FOUND);
    }
    const { status } = await call(door, { path: '/docs/../internal/exchange' });
    assert.equal(status, 404);
    assert.deepEqual(door.upstream.calls, []);
  });

  it('are readable by pages of other origins only where they say so', async () => {
    const headers = { origin: 'https://app.example' };
    const open = await call(door, { path: '/openapi.yaml', headers });
    assert.equal(open.headers['access-control-allow-origin'], 'https://app.example');
    assert.equal(open.headers.vary, 'accept-encoding, origin');
    const own = await call(door, { path: '/docs', headers });
    assert.equal(own.headers['access-control-allow-origin'], undefined);
  });

  it('have a limit of their own when they are large, which leaves the rest alone', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const answer = await call(door, { method: 'HEAD', path: large.path });
      statuses.push(answer.status);
      if (answer.status === 429) assert.equal(answer.headers['retry-after'], '1');
    }
    assert.ok(statuses.includes(429), String(statuses));
    assert.equal((await call(door, { path: '/docs' })).status, 200);
    assert.equal((await call(door, { path: '/api/v1/posts/p1' })).status, 200);
  });
});

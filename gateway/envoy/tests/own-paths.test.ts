import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { type Answer, assertError, call } from '../testing/http.ts';
import { startUpstream } from '../testing/upstream.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const UNAVAILABLE = { status: 503, code: 14, reason: 'UNAVAILABLE' };

/** A page in both languages that shows its own style and nothing else, whatever the request was. */
function assertPage({ status, headers, body }: Answer, expected: number, text: RegExp): void {
  assert.equal(status, expected, body);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.match(body, /^<!doctype html>\n<html lang="en">[\s\S]*<section lang="vi">[\s\S]*<\/html>\n$/);
  assert.match(body, text);
  const style = /<style>([^<]*)<\/style>/.exec(body)?.[1] ?? assert.fail('no style');
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = headers['content-security-policy'];
  const nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  assert.equal(policy, `${nothing}; style-src 'sha256-${hash}'`);
  assert.deepEqual(
    ['cache-control', 'x-content-type-options', 'referrer-policy', 'x-frame-options'].map((name) => headers[name]),
    ['no-store', 'nosniff', 'no-referrer', 'DENY'],
  );
  assert.ok(headers['x-request-id']);
}

function assertOauth({ status, headers, body }: Answer, expected: number, error: string): void {
  assert.equal(status, expected, body);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['cache-control'], 'no-store');
  const answer = JSON.parse(body);
  assert.deepEqual(Object.keys(answer).toSorted(), ['error', 'error_description']);
  assert.equal(answer.error, error);
}

describe('what auth serves by HTTP, while it is away', () => {
  let door: FrontDoor;
  before(async () => {
    const gone = await startUpstream();
    await gone.stop();
    door = await startFrontDoor({ authHttp: { host: '127.0.0.1', port: gone.port } });
  });
  after(() => door.stop());

  it('is a page to people, which says when to come again', async () => {
    const paths = [
      '/signin?interaction=1',
      '/account/sessions',
      '/device',
      '/oauth/authorize?client_id=a',
      '/oauth/logout',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'POST']) {
        const answer = await call(door, { method, path, headers: BROWSER });
        assertPage(answer, 503, /is away\. Try again/);
        assert.equal(answer.headers['retry-after'], '1');
      }
    }
    const hostile = { ...BROWSER, 'x-request-id': '<script>alert(1)</script>' };
    const { body } = await call(door, { path: '/signin?<script>', headers: hostile });
    assert.doesNotMatch(body, /script/);
  });

  it('is an error of OAuth to its clients, whatever they take', async () => {
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/register', '/oauth/device'])
      for (const headers of [BROWSER, {}]) {
        const answer = await call(door, { method: 'POST', path, headers });
        assertOauth(answer, 503, 'temporarily_unavailable');
        assert.equal(answer.headers['retry-after'], '1');
      }
    assertOauth(await call(door, { path: '/oauth/authorize?client_id=a' }), 503, 'temporarily_unavailable');
  });

  it('is the one error to all others, as is everything else', async () => {
    assertError(await call(door, { path: '/signin', headers: { accept: 'application/json' } }), UNAVAILABLE);
    assertError(await call(door, { path: '/api/v1/feed', headers: BROWSER }), UNAVAILABLE);
    const notFound = { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' };
    for (const path of ['/signins', '/oauth', '/nothing?/oauth/'])
      assertError(await call(door, { path, headers: BROWSER }), notFound);
  });
});

describe('what auth would serve by HTTP, and the front door refuses', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor();
  });
  after(() => door.stop());

  it('is told in the same shapes', async () => {
    const tooLarge = { method: 'POST', body: 'a'.repeat(64 * 1024 + 1) };
    assertPage(await call(door, { ...tooLarge, path: '/signin', headers: BROWSER }), 413, /too large/);
    assertOauth(await call(door, { ...tooLarge, path: '/oauth/token' }), 413, 'invalid_request');
    const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
    assertOauth(await call(door, { path: '/oauth/userinfo', headers: upgrade }), 400, 'invalid_request');
    assertPage(await call(door, { path: '/account', headers: { ...BROWSER, ...upgrade } }), 400, /did not work/);
  });
});

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from './testing/front-door.ts';
import { assertError, call } from './testing/http.ts';

const APP = 'https://app.example';
const PATHS = [
  '/oauth/authorize?client_id=a&state=%2F',
  '/oauth/authorize/Wk3-0a',
  '/oauth/userinfo',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/signin?interaction=1',
  '/consent',
  '/device?user_code=A',
  '/device/Wk3-0a',
  '/signout',
  '/language',
  '/signup?back=%2Faccount',
  '/account',
  '/forgot',
  '/reset?token=a',
  '/verify?token=a',
  '/keep-email?token=a',
];

describe('what auth serves by HTTP', () => {
  let door: FrontDoor;
  const seen: { request: IncomingMessage; body: string }[] = [];
  const auth = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push({ request, body });
      response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
      response.setHeader('referrer-policy', 'same-origin');
      response.setHeader('access-control-allow-origin', 'https://client.example');
      response.setHeader('x-oxo-inside', 'secret');
      response.setHeader('set-cookie', ['a=1; path=/', 'b=2; path=/signin']);
      response.end('<p>hello</p>');
    });
  });
  before(async () => {
    await new Promise<void>((resolve) => auth.listen(0, '127.0.0.1', resolve));
    const { port } = auth.address() as AddressInfo;
    door = await startFrontDoor({ authHttp: { host: '127.0.0.1', port }, corsOrigins: [APP] });
  });
  beforeEach(() => seen.splice(0));
  after(async () => {
    await door.stop();
    auth.close();
    auth.closeAllConnections();
  });

  const arrived = () => seen.filter(({ request }) => request.url !== '/.well-known/jwks.json');

  it('is reached as it was asked, with its cookies and credentials of its own kind', async () => {
    for (const path of PATHS) {
      for (const authorization of ['Basic YTpi', 'Bearer opaque', 'Bearer a.b.c']) {
        seen.splice(0);
        const headers = { cookie: 'a=1; b=2', authorization, 'user-agent': 'app/1' };
        const answer = await call(door, { path, headers });
        assert.deepEqual([answer.status, answer.body], [200, '<p>hello</p>'], path);
        const [{ request } = assert.fail(path), ...others] = arrived();
        assert.equal(others.length, 0);
        assert.equal(request.url, path);
        assert.equal(request.headers.cookie, 'a=1; b=2');
        assert.equal(request.headers.authorization, authorization);
        assert.equal(request.headers['x-request-id'], answer.headers['x-request-id']);
        assert.deepEqual(answer.headers['set-cookie'], ['a=1; path=/', 'b=2; path=/signin']);
      }
    }
  });

  it('gets forms whole, and none that are too large', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = { method: 'POST', path: '/oauth/token', headers, body: 'grant_type=a&code=%20' };
    assert.equal((await call(door, form)).status, 200);
    assert.deepEqual(
      arrived().map(({ request, body }) => [request.method, body]),
      [['POST', form.body]],
    );
    const tooLarge = await call(door, { ...form, body: 'a'.repeat(64 * 1024 + 1) });
    assert.deepEqual([tooLarge.status, JSON.parse(tooLarge.body).error], [413, 'invalid_request']);
  });

  it('hears of no header that only we may set, and of one address of the client', async () => {
    const headers = {
      ...{
        'x-oxo-on-behalf-of': 'x',
        'x-envoy-original-path': '/x',
        'x-internal-a': 'x',
        referer: 'https://a.example/?code=1',
      },
      ...{ 'x-forwarded-for': '6.6.6.6', 'proxy-authorization': 'x' },
    };
    await call(door, { path: '/oauth/userinfo', headers });
    const received = arrived()[0]?.request.headers ?? assert.fail();
    const names = Object.keys(received);
    assert.deepEqual(
      names.filter((name) => /^(x-oxo-|x-envoy-|x-internal-|referer|proxy-)/.test(name)),
      [],
    );
    assert.equal(received['x-forwarded-for'], '127.0.0.1');
  });

  it('says itself what a page may load, and to whom; nothing of ours leaves', async () => {
    for (const origin of [APP, 'https://client.example', undefined]) {
      const { headers } = await call(door, { path: '/signin', headers: origin === undefined ? {} : { origin } });
      assert.equal(headers['content-security-policy'], "default-src 'none'; style-src 'unsafe-inline'");
      assert.equal(headers['referrer-policy'], 'same-origin');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['access-control-allow-origin'], 'https://client.example');
      assert.equal(headers['x-oxo-inside'], undefined);
    }
  });

  it('answers what browsers ask before they send', async () => {
    const headers = { origin: APP, 'access-control-request-method': 'POST' };
    await call(door, { method: 'OPTIONS', path: '/oauth/token', headers });
    assert.deepEqual(
      arrived().map(({ request }) => [request.method, request.url]),
      [['OPTIONS', '/oauth/token']],
    );
  });

  it('is nothing else', async () => {
    const notFound = { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' };
    for (const path of ['/oauth', '/signins', '/devices', '/internal/exchange', '/consent-x', '/.well-known/openid']) {
      assertError(await call(door, { path }), notFound);
    }
    assert.deepEqual(arrived(), []);
    for (const path of ['/oauth/%2e%2e/internal/exchange', '/oauth/..%2Finternal', '/signin/../internal/exchange']) {
      const { status } = await call(door, { path });
      assert.ok(status === 404 || status === 400, path);
    }
    assert.deepEqual(arrived(), []);
  });
});

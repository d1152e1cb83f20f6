import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { assertError, call, callHttp2, callRaw, post } from '../testing/http.ts';

const MALFORMED = { status: 400, code: 3, reason: 'REQUEST_MALFORMED' };
const NOT_FOUND = { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' };

describe('what Envoy refuses itself', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ clientTimeoutMs: 500 });
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  /** None of it reached a service. */
  function assertNothingHappened(): void {
    assert.deepEqual(door.upstream.calls, []);
  }

  it('refuses bodies that are no JSON object', async () => {
    for (const body of ['{"text":"a"', '{', '[]', '"a"', '1', 'a=b', '<a/>', '{"text":"\\ud800"}', '{"text":"a"} x']) {
      assertError(await post(door, '/api/v1/posts', body), MALFORMED);
    }
    assertNothingHappened();
  });

  it('refuses bad UTF-8 in a body', async () => {
    const body = Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    assertError(await post(door, '/api/v1/posts', body), MALFORMED);
    assertNothingHappened();
  });

  it('refuses values of the wrong type and names the field', async () => {
    const wrong: [string, string][] = [
      ['{"text":5}', 'text'],
      ['{"text":true}', 'text'],
      ['{"text":{"a":1}}', 'text'],
      ['{"visibility":"NOPE"}', 'visibility'],
      ['{"visibility":1.5}', 'visibility'],
      ['{"visibility":{}}', 'visibility'],
    ];
    for (const [body, field] of wrong) {
      assertError(await post(door, '/api/v1/posts', body), { ...MALFORMED, field });
    }
    const links = await call(door, { method: 'PATCH', path: '/api/v1/users/me', body: '{"displayName":5}' });
    assertError(links, { ...MALFORMED, field: 'displayName' });
    assertNothingHappened();
  });

  it('refuses unknown and wrong query parameters and names them', async () => {
    const wrong: [string, string][] = [
      ['nope=1', 'nope'],
      ['pageSize=2&other=', 'other'],
      ['pageSize=abc', 'pageSize'],
      ['page_size=1.5', 'pageSize'],
      ['pageSize=99999999999', 'pageSize'],
    ];
    for (const [query, field] of wrong) {
      assertError(await call(door, { path: `/api/v1/users/u1/posts?${query}` }), { ...MALFORMED, field });
    }
    assertNothingHappened();
  });

  it('refuses a query parameter that names a field of the path, however it is spelt', async () => {
    for (const query of ['userId=u2', 'user_id=u2', 'pageSize=1&userId=u2', '%75serId=u2', 'pageSize=1&user%49d=u2']) {
      assertError(await call(door, { path: `/api/v1/users/u1/posts?${query}` }), MALFORMED);
    }
    assertError(await call(door, { method: 'DELETE', path: '/api/v1/posts/p1?id=p2' }), MALFORMED);
    assertError(await post(door, '/api/v1/posts?id=p2', '{}'), MALFORMED);
    assertNothingHappened();
    const answer = await call(door, { path: '/api/v1/users/u1/posts?pageToken=userId%3Du2%26id%3D1' });
    assert.equal(answer.status, 200);
    assert.equal(door.upstream.calls[0]?.request.pageToken, 'userId=u2&id=1');
  });

  it('refuses a query where the fields stand in the body', async () => {
    for (const path of [
      '/api/v1/posts?text=a',
      '/api/v1/auth/login?password=a',
      '/api/v1/posts?pageToken=a',
      '/api/v1/posts?',
    ]) {
      for (const body of ['', '{}', '{"text":"b"}']) assertError(await post(door, path, body), MALFORMED);
    }
    const change = { method: 'PATCH', path: '/api/v1/users/me?displayName=a', body: '{}' };
    assert.match(assertError(await call(door, change), MALFORMED), /body/);
    assertNothingHappened();
  });

  it('refuses a body field that stands in the path too', async () => {
    const answer = await call(door, { method: 'PATCH', path: '/api/v1/posts/p1', body: '{"id":"p2","text":"a"}' });
    assertError(answer, MALFORMED);
    assertNothingHappened();
  });

  it('refuses bodies over 64 KiB, with and without a length', async () => {
    const tooLarge = { status: 413, code: 3, reason: 'BODY_TOO_LARGE' };
    const body = JSON.stringify({ text: 'a'.repeat(64 * 1024) });
    assertError(await post(door, '/api/v1/posts', body), tooLarge);
    assertError(await post(door, '/api/v1/posts', body, { 'transfer-encoding': 'chunked' }), tooLarge);
    const [overHttp2] = await callHttp2(door, [{ method: 'POST', path: '/api/v1/posts', body }]);
    assert.equal(overHttp2?.status, 413);
    assertNothingHappened();
    const largest = JSON.stringify({ text: 'a'.repeat(64 * 1024 - 11) });
    assert.equal((await post(door, '/api/v1/posts', largest)).status, 200);
  });

  it('does not find unknown paths and methods', async () => {
    const unknown: [string, string][] = [
      ['GET', '/nowhere'],
      ['GET', '/api/v1/nowhere'],
      ['GET', '/api/v1/posts'],
      ['PUT', '/api/v1/posts'],
      ['POST', '/api/v1/users/me'],
      ['POST', '/openapi.yaml'],
      ['TRACE', '/api/v1/posts/p1'],
      ['OPTIONS', '/api/v1/posts/p1'],
      ['GET', '/.well-known/other'],
    ];
    for (const [method, path] of unknown) assertError(await call(door, { method, path }), NOT_FOUND);
    assertNothingHappened();
  });

  it('knows one spelling of a path', async () => {
    for (const path of [
      '//api//v1///posts/p1',
      '/api/v1/../v1/posts/p1',
      '/api/./v1/posts/p1',
      '/x/%2e%2e/api/v1/posts/p1',
    ]) {
      door.upstream.reset();
      assert.equal((await call(door, { path })).status, 200, path);
      assert.deepEqual(door.upstream.calls[0]?.request, { id: 'p1' });
    }
    door.upstream.reset();
    for (const path of ['/api/v1%2Fposts/p1', '/api/v1/posts/a%2fb', '/api/v1/posts/a%5cb', '/api/v1/posts/%00']) {
      assert.match(assertError(await call(door, { path }), MALFORMED), /path/);
    }
    assertNothingHappened();
  });

  it('refuses header bombs', async () => {
    const tooLarge = { status: 431, code: 3, reason: 'HEADERS_TOO_LARGE' };
    const path = '/api/v1/posts/p1';
    assertError(await call(door, { path, headers: { big: 'a'.repeat(14_000) } }), tooLarge);
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`h${index}`, '1']));
    assertError(await call(door, { path, headers: many }), tooLarge);
    assertError(await call(door, { path: `/${'a'.repeat(14_000)}` }), tooLarge);
    await assert.rejects(callHttp2(door, [{ path, headers: many }]));
    assertNothingHappened();
    assert.equal((await call(door, { path })).status, 200);
  });

  it('answers what is no HTTP in the same shape', async () => {
    const requests = [
      'GARBAGE\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.0\r\nhost: a\r\n\r\n',
      'GET /api/v1/posts/\u0001 HTTP/1.1\r\nhost: a\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n',
      'CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n',
      'POST /api/v1/posts HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      'GET /api/v1/posts/p1 HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
    ];
    for (const request of requests) {
      const answer = await callRaw(door, request);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, request);
      assert.match(answer, /\r\ncontent-type: application\/json\r\n/);
      assert.match(answer, /"reason":"(REQUEST_MALFORMED|ROUTE_NOT_FOUND|REQUEST_TIMEOUT)"/);
    }
    assertNothingHappened();
  });

  it('refuses a body in an encoding that it does not know', async () => {
    for (const encoding of ['bogus', 'chunked, chunked', 'gzip, chunked']) {
      const head = `POST /api/v1/posts HTTP/1.1\r\nhost: a\r\ntransfer-encoding: ${encoding}\r\n\r\n`;
      const answer = await callRaw(door, head);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /"reason":"REQUEST_MALFORMED".*"field":"Transfer-Encoding"/);
    }
    assertNothingHappened();
  });

  it('says what is wrong, and gives an id that finds the line of the log, before a request has one', async () => {
    const requests: [string, RegExp][] = [
      ['GARBAGE\r\n\r\n', /Bad Request/],
      ['GET / HTTP/1.1\r\n\r\n', /Host header is missing/],
      ['GET / HTTP/1.0\r\nhost: a\r\n\r\n', /Upgrade Required/],
      ['GET /api/v1/posts/a%2fb HTTP/1.1\r\nhost: a\r\n\r\n', /escaped slashes/],
      [`GET /${'a'.repeat(14_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, /larger than 12 KiB/],
    ];
    for (const [request, explanation] of requests) {
      const answer = await callRaw(door, request);
      assert.match(answer, explanation);
      const requestId = /^x-request-id: (.*)\r$/m.exec(answer)?.[1] ?? '';
      assert.match(requestId, /^[\w-]{36}$/, request.slice(0, 40));
      assert.ok(answer.includes(`{"requestId":"${requestId}"}`), answer);
      assert.equal((await door.accessLogLine(requestId)).requestId, requestId);
    }
  });
});

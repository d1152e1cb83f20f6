import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { assertError, call, callHttp2, post } from '../testing/http.ts';

const TOKEN_INVALID = { status: 401, code: 16, reason: 'TOKEN_INVALID' };

describe('tokens at the front door', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor();
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  it('lets a good token through, and forwards it', async () => {
    const authorization = `Bearer ${await door.issuer.token()}`;
    assert.equal((await call(door, { path: '/api/v1/users/me', headers: { authorization } })).status, 200);
    assert.equal(door.upstream.calls[0]?.metadata.get('authorization'), authorization);
  });

  it('lets calls without a token through: the services know who must sign in', async () => {
    assert.equal((await call(door, { path: '/api/v1/posts/p1' })).status, 200);
    assert.equal((await call(door, { path: '/api/v1/users/me' })).status, 200);
  });

  it('refuses bad tokens on open and on closed routes', async () => {
    const { issuer } = door;
    const tokens = [
      await issuer.token({ expiresInSeconds: -60 }),
      await issuer.token({ audience: 'oxo-internal' }),
      await issuer.token({ issuer: 'https://other.example' }),
      await issuer.forgedToken(),
      `${await issuer.token()}x`,
      withHeader(await issuer.token(), { alg: 'none', typ: 'at+jwt' }).replace(/[^.]*$/, ''),
      withHeader(await issuer.token(), { alg: 'HS256', typ: 'at+jwt', kid: 'k1' }),
      withHeader(await issuer.token(), { alg: 'RS256', typ: 'at+jwt', kid: 'unknown' }),
      'garbage',
      'a.b.c',
    ];
    for (const token of tokens) {
      for (const scheme of ['Bearer', 'bearer']) {
        const headers = { authorization: `${scheme} ${token}` };

        assertError(await call(door, { path: '/api/v1/posts/p1', headers }), TOKEN_INVALID);
        assertError(await post(door, '/api/v1/posts', '{"text":"a"}', headers), TOKEN_INVALID);
      }
    }
    assert.deepEqual(door.upstream.calls, []);
  });

  it('says in words of its own why, and what to do', async () => {
    const { issuer } = door;
    const expired = /^The access token has expired: POST \/api\/v1\/auth\/refresh with/;
    const none = /^What was sent is no access token: /;
    const foreign = /^The access token is not one of this server, or was changed\. Sign in again\.$/;
    const said = [
      [await issuer.token({ expiresInSeconds: -60 }), expired],
      ['\u2026', none],
      ['a.b.c', none],
      [withHeader(await issuer.token(), {}).replace(/^[^.]*/, 'e30x'), none],
      [withHeader(await issuer.token(), { alg: 'none', typ: 'at+jwt' }), foreign],
      [await issuer.token({ audience: 'oxo-internal' }), foreign],
      [await issuer.token({ issuer: 'https://other.example' }), foreign],
      [await issuer.forgedToken(), foreign],
    ] as const;
    for (const [token, message] of said) {
      const authorization = Buffer.from(`Bearer ${token}`).toString('latin1');
      const answer = await call(door, { path: '/api/v1/users/me', headers: { authorization } });
      assert.match(assertError(answer, TOKEN_INVALID), message);
      assert.match(String(answer.headers['www-authenticate']), /^Bearer .*error="invalid_token"/);
      const grpc = { authorization, 'content-type': 'application/grpc', te: 'trailers' };
      const request = {
        method: 'POST',
        path: '/oxo.post.v1.PostService/GetPost',
        headers: grpc,
        body: Buffer.alloc(5),
      };
      const [overGrpc] = await callHttp2(door, [request]);
      assert.equal(overGrpc?.headers['grpc-status'], '16');
      assert.match(decodeURIComponent(String(overGrpc?.headers['grpc-message'])), message);
    }
    assert.deepEqual(door.upstream.calls, []);
  });

  it('takes no token from the query', async () => {
    const answer = await call(door, { path: `/api/v1/posts/p1?access_token=${await door.issuer.token()}` });
    assertError(answer, { status: 400, code: 3, reason: 'REQUEST_MALFORMED', field: 'accessToken' });
  });
});

describe('tokens while the keys cannot be had', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ authHttp: { host: '127.0.0.1', port: 1 } });
  });
  after(() => door.stop());

  it('says that it is our fault, and serves those without a token', async () => {
    const headers = { authorization: `Bearer ${await door.issuer.token()}` };
    const answer = await call(door, { path: '/api/v1/posts/p1', headers });
    assertError(answer, { status: 503, code: 14, reason: 'UNAVAILABLE' });
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal((await call(door, { path: '/api/v1/posts/p1' })).status, 200);
    const grpc = { authorization: headers.authorization, 'content-type': 'application/grpc', te: 'trailers' };
    const path = '/oxo.post.v1.PostService/GetPost';
    const [overGrpc] = await callHttp2(door, [{ method: 'POST', path, headers: grpc, body: Buffer.alloc(5) }]);
    assert.equal(overGrpc?.headers['grpc-status'], '14');
    const keys = await call(door, { path: '/.well-known/jwks.json' });
    assertError(keys, { status: 503, code: 14, reason: 'UNAVAILABLE' });
  });
});

/** The token with another header than the one that was signed. */
function withHeader(token: string, header: object): string {
  return token.replace(/^[^.]*/, Buffer.from(JSON.stringify(header)).toString('base64url'));
}

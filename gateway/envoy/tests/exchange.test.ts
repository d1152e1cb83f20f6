import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { callGrpcWeb } from '../testing/grpc-web.ts';
import { type Answer, assertError, type Call, call, callHttp2, callRaw, post } from '../testing/http.ts';

const GET_POST = '/oxo.post.v1.PostService/GetPost';
const PATH = '/api/v1/posts/p1';

/** Plays auth: knows one key and one token, and refuses what else it is shown. */
describe('the exchange of opaque credentials', () => {
  let door: FrontDoor;
  let jwt: string;
  const asked: IncomingMessage[] = [];
  const refusals: Record<string, [status: number, reason: string]> = {
    bad: [401, 'API_KEY_INVALID'],
    limited: [429, 'RATE_LIMITED'],
    busy: [503, 'UNAVAILABLE'],
    broken: [500, 'INTERNAL'],
  };
  const auth = createServer(async (request, response) => {
    if (request.url === '/.well-known/jwks.json') {
      if (door === undefined) return void response.writeHead(503).end();
      const keys = await fetch(`http://127.0.0.1:${door.issuer.port}/.well-known/jwks.json`);
      return void response.setHeader('content-type', 'application/json').end(await keys.text());
    }
    asked.push(request);
    const { authorization, 'x-api-key': key = '' } = request.headers;
    const both: [number, string] | undefined =
      authorization !== undefined && key !== '' ? [400, 'CREDENTIALS_AMBIGUOUS'] : undefined;
    const wrongToken: [number, string] | undefined =
      authorization !== undefined && !/^bearer +opaque$/i.test(authorization) ? [401, 'TOKEN_INVALID'] : undefined;
    const [status, reason] = both ?? wrongToken ?? refusals[String(key)] ?? [200, ''];
    if (status === 200) return void response.writeHead(200, { authorization: `Bearer ${jwt}`, 'x-secret': 'x' }).end();
    response.writeHead(status, {
      'x-oxo-reason': reason,
      'x-oxo-details': Buffer.from(reason).toString('base64'),
      'content-type': 'text/plain',
      ...(status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}),
    });
    response.end('Said by auth: "no".');
  });
  before(async () => {
    await new Promise<void>((resolve) => auth.listen(0, '127.0.0.1', resolve));
    const { port } = auth.address() as AddressInfo;
    door = await startFrontDoor({ authHttp: { host: '127.0.0.1', port } });
    jwt = await door.issuer.token();
  });
  beforeEach(() => {
    asked.splice(0);
    door.upstream.reset();
  });
  after(async () => {
    await door.stop();
    auth.close();
    auth.closeAllConnections();
  });

  const get = (headers: Call['headers'] = {}, path = PATH) => call(door, { path, headers });
  const credentialsThatArrived = () =>
    door.upstream.calls.map(({ metadata }) => [metadata.get('authorization'), metadata.get('x-api-key')]);

  it('gives services a JWT instead of an API key or a token, over REST, gRPC and gRPC-Web', async () => {
    const shown: Record<string, string>[] = [{ 'x-api-key': 'good' }, { authorization: 'Bearer opaque' }];
    for (const headers of shown) {
      door.upstream.reset();
      const answers = [await get(headers), await post(door, '/api/v1/posts', '{"text":"a"}', headers)];
      for (const { status, headers: received } of answers) {
        assert.equal(status, 200);
        for (const name of ['authorization', 'x-api-key', 'x-secret']) assert.equal(received[name], undefined, name);
      }
      const grpc = { 'content-type': 'application/grpc', te: 'trailers', ...headers };
      await callHttp2(door, [{ method: 'POST', path: GET_POST, headers: grpc, body: Buffer.alloc(5) }]);
      const { trailers } = await callGrpcWeb(door, GET_POST, new Uint8Array(), { headers });
      assert.equal(trailers.get('grpc-status'), '0');
      assert.deepEqual(credentialsThatArrived(), Array(4).fill([`Bearer ${jwt}`, undefined]));
    }
    assert.equal(asked.length, 8);
  });

  it('asks auth with the credential, the address of the client and the id of the request, and nothing else of it', async () => {
    const headers = {
      'x-api-key': 'good',
      cookie: 'a=1',
      'x-forwarded-for': '6.6.6.6',
      'x-oxo-reason': 'x',
      'user-agent': 'a',
    };
    const answer = await call(door, { method: 'DELETE', path: `${PATH}`, headers });
    const [request = assert.fail()] = asked;
    assert.equal(request.url, '/internal/exchange');
    const { host: _, 'content-length': length, ...rest } = request.headers;
    const ours = Object.entries(rest).filter(([name]) => !name.startsWith('x-envoy-'));
    assert.deepEqual(Object.fromEntries(ours), {
      ...{ 'x-api-key': 'good', 'x-forwarded-for': '127.0.0.1', 'x-request-id': answer.headers['x-request-id'] },
    });
    assert.equal(length ?? '0', '0');
  });

  it('costs whoever sends a JWT, or nothing, not a single question', async () => {
    const known: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${jwt}` },
      { authorization: `bearer ${jwt}` },
    ];
    for (const headers of known) assert.equal((await get(headers)).status, 200);
    for (const authorization of ['Bearer a.b.c', 'Bearer a.b.c.d', 'Basic YTpi', 'Bearer', `Bearer ${jwt} ${jwt}`]) {
      await get({ authorization });
    }
    await get({ 'x-api-key': 'good' }, '/openapi.yaml');
    const grpc = { 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${jwt}` };
    await callHttp2(door, [{ method: 'POST', path: GET_POST, headers: grpc, body: Buffer.alloc(5) }]);
    assert.deepEqual(asked, []);
  });

  it('is asked for opaque tokens, however the scheme is written, and for none of the paths of OAuth', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR ']) {
      assert.equal((await get({ authorization: `${scheme} opaque` })).status, 200, scheme);
    }
    assert.equal(asked.length, 4);
    await get({ authorization: 'Bearer opaque' }, '/oauth/userinfo');
    assert.deepEqual(
      asked.slice(4).map(({ url }) => url),
      ['/oauth/userinfo'],
    );
  });

  it('tells what auth refuses in the one shape, on open routes too', async () => {
    const refused: [headers: Call['headers'], status: number, code: number, reason: string][] = [
      [{ 'x-api-key': 'bad' }, 401, 16, 'API_KEY_INVALID'],
      [{ authorization: 'Bearer unknown' }, 401, 16, 'TOKEN_INVALID'],
      [{ authorization: 'Bearer one.dot' }, 401, 16, 'TOKEN_INVALID'],
      [{ 'x-api-key': 'good', authorization: 'Bearer opaque' }, 400, 3, 'CREDENTIALS_AMBIGUOUS'],
      [{ 'x-api-key': 'good', authorization: `Bearer ${jwt}` }, 400, 3, 'CREDENTIALS_AMBIGUOUS'],
      [{ 'x-api-key': 'good', authorization: 'Basic YTpi' }, 400, 3, 'CREDENTIALS_AMBIGUOUS'],
      [{ 'x-api-key': 'limited' }, 429, 8, 'RATE_LIMITED'],
      [{ 'x-api-key': 'busy' }, 503, 14, 'UNAVAILABLE'],
      [{ 'x-api-key': 'broken' }, 503, 14, 'UNAVAILABLE'],
    ];
    for (const [headers, status, code, reason] of refused) {
      const answers: Answer[] = [await get(headers), await post(door, '/api/v1/posts', '{"text":"a"}', { ...headers })];
      for (const answer of answers) {
        const message = assertError(answer, { status, code, reason });
        if (status < 429) assert.equal(message, 'Said by auth: "no".');
        for (const name of ['x-oxo-reason', 'x-oxo-details']) assert.equal(answer.headers[name], undefined);
        assert.equal('www-authenticate' in answer.headers, status === 401);
      }
    }
    assert.deepEqual(door.upstream.calls, []);
    await get({ 'x-api-key': 'limited', 'x-request-id': 'limited-1' });
    const { status, grpcStatus } = await door.accessLogLine('limited-1');
    assert.deepEqual([status, Number(grpcStatus)], [429, 8], 'so it stands in the access log');
  });

  it('tells clients of gRPC and gRPC-Web the same codes, and what auth says for them', async () => {
    const codes: [headers: Record<string, string>, code: string, details: string | undefined][] = [
      [{ 'x-api-key': 'bad' }, '16', 'API_KEY_INVALID'],
      [{ authorization: 'Bearer unknown' }, '16', 'TOKEN_INVALID'],
      [{ 'x-api-key': 'good', authorization: 'Bearer opaque' }, '3', 'CREDENTIALS_AMBIGUOUS'],
      [{ 'x-api-key': 'limited' }, '8', 'RATE_LIMITED'],
      [{ 'x-api-key': 'busy' }, '14', undefined],
    ];
    const text = (header: unknown) => (header == null ? undefined : Buffer.from(String(header), 'base64').toString());
    for (const [headers, code, details] of codes) {
      const grpc = { 'content-type': 'application/grpc', te: 'trailers', ...headers };
      const [answer] = await callHttp2(door, [
        { method: 'POST', path: GET_POST, headers: grpc, body: Buffer.alloc(5) },
      ]);
      assert.deepEqual([answer?.status, answer?.headers['grpc-status']], [200, code]);
      assert.equal(text(answer?.headers['grpc-status-details-bin']), details);
      for (const name of ['x-oxo-reason', 'x-oxo-details']) assert.equal(answer?.headers[name], undefined);
      const web = await callGrpcWeb(door, GET_POST, new Uint8Array(), { headers });
      assert.deepEqual([web.http.status, web.trailers.get('grpc-status')], [200, code]);
      assert.equal(text(web.trailers.get('grpc-status-details-bin')), details);
    }
    assert.deepEqual(door.upstream.calls, []);
  });

  it('lets no odd header past auth', async () => {
    await get({ 'x-api-key': ['good', 'bad'] });
    await get({ 'x-api-key': 'gööd' });
    await get({ 'X-API-KEY': '' });
    await get({ x_api_key: 'good' });
    const keys = asked.map(({ headers }) => String(headers['x-api-key']));
    assert.deepEqual([keys[0], keys[2], keys.length], ['good,bad', '', 3]);
    assert.match(keys[1] ?? '', /^g[^\w-]{2}d$/, 'what is in no key');
    assert.deepEqual(credentialsThatArrived().at(-1), [undefined, undefined], 'that is no such header');
    asked.splice(0);
    const raw = await callRaw(
      door,
      `GET ${PATH} HTTP/1.1\r\nhost: a\r\nx-api-key: a\x00b\r\nconnection: close\r\n\r\n`,
    );
    assert.match(raw, /^HTTP\/1.1 400/);
    const huge = await get({ 'x-api-key': 'a'.repeat(13_000) });
    assertError(huge, { status: 431, code: 3, reason: 'HEADERS_TOO_LARGE' });
    assert.deepEqual(asked, []);
  });

  it('verifies what auth gives: a JWT that is none of ours goes no further', async () => {
    const right = jwt;
    for (const wrong of [await door.issuer.forgedToken(), await door.issuer.token({ expiresInSeconds: -60 }), 'x']) {
      jwt = wrong;
      assertError(await get({ 'x-api-key': 'good' }), { status: 401, code: 16, reason: 'TOKEN_INVALID' });
    }
    jwt = right;
    assert.deepEqual(door.upstream.calls, []);
  });

  it('lets pages send a key where they may send a token', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
    const answer = await call(door, { method: 'OPTIONS', path: PATH, headers });
    assert.match(String(answer.headers['access-control-allow-headers']), /(^|, )x-api-key(,|$)/);
    assert.deepEqual(asked, []);
    const refused = await get({ origin: 'https://app.example', 'x-api-key': 'bad' });
    assert.equal(refused.headers['access-control-allow-origin'], 'https://app.example');
  });

  it('is nowhere to be asked from outside', async () => {
    const headers = { 'x-api-key': 'good' };
    for (const path of [
      '/internal/exchange',
      '//internal/exchange',
      '/api/../internal/exchange',
      '/internal/exchange/',
    ]) {
      assertError(await get(headers, path), { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' });
    }
    assert.deepEqual(asked, []);
  });
});

describe('the exchange while auth is away', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ authHttp: { host: '127.0.0.1', port: 1 } });
  });
  after(() => door.stop());

  it('is not the fault of who asks, and keeps nobody else out', async () => {
    const answer = await call(door, { path: PATH, headers: { 'x-api-key': 'good' } });
    assertError(answer, { status: 503, code: 14, reason: 'UNAVAILABLE' });
    assert.equal((await call(door, { path: PATH })).status, 200);
  });
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type CallContext, ServerError, Status } from 'nice-grpc';
import { ErrorInfo } from '#gen/google/rpc/error_details.ts';
import { Status as RpcStatus } from '#gen/google/rpc/status.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { assertError, call, callHttp2, oneConnection, post } from '../testing/http.ts';

const CREATE_POST = '/oxo.post.v1.PostService/CreatePost';
const DELETE_POST = '/oxo.post.v1.PostService/DeletePost';
const GET_POST = '/oxo.post.v1.PostService/GetPost';

describe('the front door', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor();
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  function answerWith(rpc: string, status: string, message: object = {}): void {
    door.upstream.answer(rpc, (_request, context) => {
      context.header.set('x-http-code', status);
      return message;
    });
  }

  it('makes an RPC of a request and JSON with every primitive field of its answer', async () => {
    door.upstream.answer(GET_POST, () => ({ post: { id: 'p1', text: '', visibility: 1 } }));
    const answer = await call(door, { path: '/api/v1/posts/p%20%C3%A9+1' });
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body), {
      post: { id: 'p1', text: '', visibility: 'PUBLIC', entities: [], etag: '' },
    });
    assert.deepEqual(door.upstream.calls[0]?.request, { id: 'p é+1' });
  });

  it('gives successes the status that the service asks for, also over HTTP/2', async () => {
    answerWith(CREATE_POST, '201', { post: { id: 'p1' } });
    const created = await post(door, '/api/v1/posts', '{"text":"a"}');
    assert.equal(created.status, 201);
    assert.equal(JSON.parse(created.body).post.id, 'p1');
    const [overHttp2] = await callHttp2(door, [{ method: 'POST', path: '/api/v1/posts', body: '{"text":"a"}' }]);
    assert.equal(overHttp2?.status, 201);
    for (const headers of [created.headers, overHttp2?.headers ?? {}]) {
      assert.equal(headers['x-http-code'], undefined);
      assert.equal(headers['grpc-status'], undefined);
    }
  });

  it('takes If-Match to the service and its ETag to the client', async () => {
    const UPDATE_POST = '/oxo.post.v1.PostService/UpdatePost';
    door.upstream.answer(UPDATE_POST, (_request, context) => {
      context.header.set('etag', '"new"');
      return { post: { id: 'p1', etag: '"new"' } };
    });
    const headers = { 'if-match': '"old", W/"older"' };
    const answer = await call(door, { method: 'PATCH', path: '/api/v1/posts/p1', body: '{"text":"a"}', headers });
    assert.deepEqual([answer.status, answer.headers.etag, JSON.parse(answer.body).post.etag], [200, '"new"', '"new"']);
    assert.equal(door.upstream.calls[0]?.metadata.get('if-match'), '"old", W/"older"');
  });

  it('ignores a status that no success has', async () => {
    answerWith(GET_POST, '500');
    const answer = await call(door, { path: '/api/v1/posts/p1' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-http-code'], undefined);
  });

  it('empties a 204, so that the next answer on the connection is whole', async () => {
    answerWith(DELETE_POST, '204');
    door.upstream.answer(GET_POST, () => ({ post: { id: 'p1' } }));
    const agent = oneConnection();
    const deletion = { method: 'DELETE', path: '/api/v1/posts/p1', agent };
    for (let round = 0; round < 3; round += 1) {
      const deleted = await call(door, deletion);
      assert.deepEqual([deleted.status, deleted.body], [204, '']);
      assert.equal(deleted.headers['content-type'], undefined);
      assert.equal(deleted.headers['content-length'], undefined);
      const read = await call(door, { path: '/api/v1/posts/p1', agent });
      assert.equal(JSON.parse(read.body).post.id, 'p1');
    }
    agent.destroy();
    const get = { path: '/api/v1/posts/p1' };
    const answers = await callHttp2(door, [{ ...get, method: 'DELETE' }, get, { ...get, method: 'DELETE' }]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [204, 200, 204],
    );
    assert.deepEqual([answers[0]?.body, answers[2]?.body], ['', '']);
  });

  it('lets a late error be an error', async () => {
    door.upstream.answer(CREATE_POST, (_request, context) => {
      context.header.set('x-http-code', '201');
      context.sendHeader();
      return fail(context, 10, 'IDEMPOTENCY_KEY_IN_USE');
    });
    const answer = await post(door, '/api/v1/posts', '{"text":"a"}');
    assert.equal(answer.status, 409);
    assert.equal(JSON.parse(answer.body).details[0].reason, 'IDEMPOTENCY_KEY_IN_USE');
    assert.equal(answer.headers['x-http-code'], undefined);
  });

  it('passes on the error of a service as its JSON, with Retry-After where one may try again', async () => {
    door.upstream.answer(GET_POST, (_request, context) => fail(context, 14, 'UNAVAILABLE'));
    const answer = await call(door, { path: '/api/v1/posts/p1' });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.deepEqual(JSON.parse(answer.body), {
      code: 14,
      message: 'Says so.',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'UNAVAILABLE',
          domain: 'oxo',
          metadata: { requestId: 'r1' },
        },
      ],
    });
  });

  it("tells a service's own limits, and when to come back", async () => {
    door.upstream.answer(GET_POST, (_request, context) => {
      context.trailer.set('retry-after', '42');
      return fail(context, 8, 'RATE_LIMITED');
    });
    const answer = await call(door, { path: '/api/v1/posts/p1' });
    assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '42']);
    assert.equal(JSON.parse(answer.body).details[0].reason, 'RATE_LIMITED');
  });

  it('keeps a request id, mends or makes one otherwise, and gives it back', async () => {
    const idOf = async (sent: string): Promise<unknown> => {
      const answer = await call(door, { path: '/api/v1/posts/p1', headers: { 'x-request-id': sent } });
      assert.equal(door.upstream.calls.at(-1)?.metadata.get('x-request-id'), answer.headers['x-request-id']);
      return answer.headers['x-request-id'];
    };
    assert.equal(await idOf('My-request_1'), 'My-request_1');
    assert.equal(await idOf('two words. "quoted"'), 'two_words___quoted_');
    assert.equal(await idOf('a'.repeat(65)), 'a'.repeat(64));
    assert.match(String(await idOf('')), /^[\w-]{8,}$/);
    const [overHttp2] = await callHttp2(door, [{ path: '/api/v1/posts/p1', headers: { 'x-request-id': 'a b' } }]);
    assert.equal(overHttp2?.headers['x-request-id'], 'a_b');
    const spoofed = { 'x-oxo-request-id': 'mine' };
    const answer = await call(door, { path: '/api/v1/posts/p1', headers: spoofed });
    assert.notEqual(answer.headers['x-request-id'], 'mine');
  });

  it('passes a deadline on to the service', async () => {
    let aborted = false;
    door.upstream.answer(GET_POST, (_request, context) => {
      aborted = context.signal.aborted;
    });
    await call(door, { path: '/api/v1/posts/p1' });
    assert.equal(aborted, false);
  });

  it('sets security headers on answers and on its own replies', async () => {
    for (const path of ['/api/v1/posts/p1', '/nowhere']) {
      const { headers } = await call(door, { path });
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['content-security-policy']), /default-src 'none'/);
      assert.match(String(headers['strict-transport-security']), /max-age/);
      assert.equal(headers.server, undefined);
      assert.equal(headers['x-envoy-upstream-service-time'], undefined);
    }
  });

  it('serves its description and the keys', async () => {
    const description = await call(door, { path: '/openapi.yaml' });
    assert.equal(description.status, 200);
    assert.equal(description.headers['content-type'], 'application/yaml');
    assert.match(description.body, /openapi: 3\.1/);
    const keys = await call(door, { path: '/.well-known/jwks.json' });
    assert.equal(JSON.parse(keys.body).keys[0].kid, 'k1');
    assertError(await call(door, { path: '/' }), { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' });
  });

  it('writes a line of JSON a request, without query or token', async () => {
    const headers = { authorization: `Bearer ${await door.issuer.token()}`, 'x-request-id': 'logged-1' };
    await call(door, { path: '/api/v1/users/me/posts?pageToken=secret', headers });
    const line = await door.accessLogLine('logged-1');
    assert.equal(line.path, '/api/v1/users/me/posts');
    assert.equal(line.rpc, '/oxo.post.v1.PostService/ListUserPosts');
    assert.equal(line.method, 'GET');
    assert.equal(line.status, 200);
    assert.deepEqual([line.client, line.network], [undefined, '127.0.0.0/24'], 'not whose request it is');
    assert.doesNotMatch(JSON.stringify(line), /secret|eyJ/);
  });

  it('writes that the RPC went well, also of a 201 or a 204', async () => {
    answerWith(DELETE_POST, '204');
    answerWith(CREATE_POST, '201');
    const logged = async (method: string, path: string) => {
      const id = `status-${method}`;
      const headers = { 'x-request-id': id, 'content-type': 'application/json' };
      const { status } = await call(door, { method, path, body: method === 'POST' ? '{"text":"a"}' : '', headers });
      return [status, (await door.accessLogLine(id)).grpcStatus];
    };
    assert.deepEqual(await logged('POST', '/api/v1/posts'), [201, Status.OK]);
    assert.deepEqual(await logged('DELETE', '/api/v1/posts/p1'), [204, Status.OK]);
  });

  it('writes no token that somebody puts into a path', async () => {
    const token = await door.issuer.token();
    const opaque = 'q7Zt'.repeat(11);
    const paths = [
      `/api/v1/posts/${token}`,
      `/api/v1/users/${opaque}/posts`,
      `/${token}`,
      `/nowhere/${opaque}/?a=${opaque}`,
      `/oxo.post.v1.PostService/${token}`,
      '/api/v1/users/by-handle/q7Zt@oxo.example',
      '/api/v1/users/by-handle/q7Zt%40oxo.example',
      '/api/v1/users/by-handle/q7Zt',
      `/api/v1/posts/p1?access_token=${token}`,
    ];
    for (const [index, path] of paths.entries()) {
      await call(door, { path, headers: { 'x-request-id': `masked-${index}` } });
      const line = await door.accessLogLine(`masked-${index}`);
      assert.equal(line.path, path.includes('?access_token') ? '/api/v1/posts/p1' : '(masked)');
      assert.doesNotMatch(JSON.stringify(line), /eyJ|q7Zt/);
    }
    const id = '0198c0de-0000-7000-8000-000000000001';
    const known = [
      `/api/v1/users/${id}/posts`,
      '/api/v1/auth/login',
      '/',
      '/oxo.post.v1.PostService/GetPost',
      '/a%20b',
    ];
    for (const [index, path] of known.entries()) {
      await call(door, { path, headers: { 'x-request-id': `plain-${index}` } });
      assert.equal((await door.accessLogLine(`plain-${index}`)).path, path);
    }
  });

  it('writes no token that somebody puts into the name of their client, and no long name', async () => {
    const token = await door.issuer.token();
    const logged = async (id: string, userAgent: string, path = '/api/v1/posts/p1') => {
      await call(door, { path, headers: { 'x-request-id': id, 'user-agent': userAgent } });
      return door.accessLogLine(id);
    };
    for (const [index, name] of [token, `app/1.0 (Bearer ${token})`, `Bearer ${'q7Zt'.repeat(11)}`].entries()) {
      const line = await logged(`agent-${index}`, name);
      assert.equal(line.userAgent, '(masked)');
      assert.equal(line.path, '/api/v1/posts/p1');
      assert.doesNotMatch(JSON.stringify(line), /eyJ|q7Zt/);
    }
    const both = await logged('agent-both', token, `/${token}`);
    assert.deepEqual([both.path, both.userAgent], ['(masked)', '(masked)']);
    const browser =
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
    assert.equal((await logged('agent-browser', browser)).userAgent, browser);
    assert.equal((await logged('agent-path', browser, `/${token}`)).userAgent, browser);
    assert.equal((await logged('agent-long', 'word '.repeat(100).trim())).userAgent, 'word '.repeat(40));
  });
});

/** Throws an error with details, as the services do. */
function fail(context: CallContext, code: number, reason: string): never {
  const value = ErrorInfo.encode({ reason, domain: 'oxo', metadata: { requestId: 'r1' } }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(value) }];
  context.trailer.set('grpc-status-details-bin', RpcStatus.encode({ code, message: 'Says so.', details }).finish());
  throw new ServerError(code, 'Says so.');
}

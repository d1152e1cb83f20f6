import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type CallContext, ServerError } from 'nice-grpc';
import { ErrorInfo } from '#gen/google/rpc/error_details.ts';
import { Status as RpcStatus } from '#gen/google/rpc/status.ts';
import { GetPostRequest, GetPostResponse } from '#gen/oxo/post/v1/post_service.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { callGrpcWeb } from '../testing/grpc-web.ts';
import { type Answer, call } from '../testing/http.ts';

const GET_POST = '/oxo.post.v1.PostService/GetPost';
const APP = 'https://app.example';
const EVIL = 'https://evil.example';
const request = GetPostRequest.encode({ id: 'p1' }).finish();

/** What a browser asks before it sends what a form could not. */
function preflight(door: FrontDoor, origin: string, path: string, headers: string, method = 'POST'): Promise<Answer> {
  const asked = { origin, 'access-control-request-method': method, 'access-control-request-headers': headers };
  return call(door, { method: 'OPTIONS', path, headers: asked });
}

const listOf = (answer: Answer, header: string): string[] => String(answer.headers[header] ?? '').split(', ');

describe('pages of other origins', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ corsOrigins: [APP] });
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  it('may send what the API takes, by REST and by gRPC-Web, when they are allowed', async () => {
    const asked: [string, string, string][] = [
      ['/api/v1/posts', 'POST', 'authorization, content-type, idempotency-key'],
      ['/api/v1/posts/p1', 'PATCH', 'authorization, content-type, if-match, traceparent'],
      ['/api/v1/users/u1/follow', 'DELETE', 'authorization, x-request-id'],
      [GET_POST, 'POST', 'authorization, content-type, grpc-timeout, x-grpc-web, x-user-agent'],
    ];
    for (const [path, method, headers] of asked) {
      const answer = await preflight(door, APP, path, headers, method);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['access-control-allow-origin'], APP);
      assert.ok(listOf(answer, 'access-control-allow-methods').includes(method));
      const allowed = listOf(answer, 'access-control-allow-headers');
      for (const header of headers.split(', ')) assert.ok(allowed.includes(header), header);
      assert.equal(answer.headers['access-control-max-age'], '7200');
      assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    }
    assert.deepEqual(door.upstream.calls, [], 'no service hears of it');
  });

  it('may read the headers that answers and errors have', async () => {
    for (const status of [200, 401]) {
      const credentials: Record<string, string> = status === 200 ? {} : { authorization: 'Bearer bad' };
      const answer = await call(door, { path: '/api/v1/posts/p1', headers: { origin: APP, ...credentials } });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['access-control-allow-origin'], APP);
      const exposed = listOf(answer, 'access-control-expose-headers');
      for (const header of ['x-request-id', 'etag', 'retry-after', 'location', 'grpc-status', 'grpc-message'])
        assert.ok(exposed.includes(header), header);
    }
    for (const path of ['/nowhere', '/api/v1/posts/p1?nope=1', '/api/v1/users/u1/posts?userId=u2']) {
      const refused = await call(door, { path, headers: { origin: APP } });
      assert.equal(refused.status, path === '/nowhere' ? 404 : 400);
      assert.equal(refused.headers['access-control-allow-origin'], APP, path);
    }
  });

  it('get nothing when they are not', async () => {
    for (const origin of [EVIL, 'null', `${APP}.evil.example`, 'http://app.example', `${APP}:8443`]) {
      const refused = await preflight(door, origin, '/api/v1/posts', 'content-type');
      assert.equal(refused.headers['access-control-allow-origin'], undefined, origin);
      assert.equal(refused.headers['access-control-allow-headers'], undefined, origin);
      const malformed = { 'idempotency-key': '\u00e9' };
      const answers = await Promise.all([
        call(door, { path: '/api/v1/posts/p1', headers: { origin } }),
        ...['/openapi.yaml', '/api/v1/posts/p1?nope=1', '/api/v1/users/u1/posts?userId=u2'].map((path) =>
          call(door, { path, headers: { origin } }),
        ),
        call(door, { path: '/api/v1/posts/p1', headers: { origin, ...malformed } }),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 400, 400, 400],
      );
      for (const { headers } of answers) assert.equal(headers['access-control-allow-origin'], undefined, origin);
    }
  });

  it('do not meet, in a cache, the answer to another one', async () => {
    for (const path of ['/openapi.yaml', '/.well-known/jwks.json']) {
      const answer = await call(door, { path, headers: { origin: APP } });
      assert.equal(answer.headers['access-control-allow-origin'], APP);
      assert.match(String(answer.headers.vary), /\borigin$/);
      const plain = await call(door, { path });
      assert.equal(plain.headers['access-control-allow-origin'], undefined);
    }
  });

  it('are all allowed by *, still without cookies', async () => {
    const open = await startFrontDoor({ corsOrigins: ['*'] });
    try {
      for (const origin of [APP, EVIL, 'http://localhost:5173', 'null']) {
        const answer = await preflight(open, origin, '/api/v1/posts', 'authorization, content-type');
        assert.equal(answer.headers['access-control-allow-origin'], origin);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
        const described = await call(open, { path: '/openapi.yaml', headers: { origin } });
        assert.equal(described.headers['access-control-allow-origin'], origin);
      }
    } finally {
      await open.stop();
    }
  });
});

describe('gRPC-Web', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ maxRequests: { reads: 1, writes: 1 } });
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  it('calls an RPC, in bytes and in base64, and tells the outcome at the end of the body', async () => {
    door.upstream.answer(GET_POST, () => ({ post: { id: 'p1', text: 'è😀'.repeat(50) } }));
    for (const text of [false, true]) {
      const answer = await callGrpcWeb(door, GET_POST, request, { text, headers: { origin: APP } });
      assert.equal(answer.http.status, 200);
      assert.equal(answer.http.headers['content-type'], `application/grpc-web${text ? '-text' : ''}+proto`);
      assert.equal(answer.http.headers['access-control-allow-origin'], APP);
      assert.equal(answer.http.headers['grpc-status'], undefined, 'it is no header');
      assert.equal(answer.trailers.get('grpc-status'), '0');
      assert.equal(GetPostResponse.decode(answer.messages[0] ?? Buffer.alloc(0)).post?.text, 'è😀'.repeat(50));
    }
    assert.deepEqual(
      door.upstream.calls.map(({ rpc, request: asked }) => [rpc, asked]),
      [
        [GET_POST, { id: 'p1' }],
        [GET_POST, { id: 'p1' }],
      ],
    );
  });

  it('tells an error of a service with its details', async () => {
    door.upstream.answer(GET_POST, (_request, context) => failWithDetails(context));
    for (const text of [false, true]) {
      const { http, trailers } = await callGrpcWeb(door, GET_POST, request, { text });
      assert.equal(http.status, 200);
      assert.deepEqual([trailers.get('grpc-status'), trailers.get('grpc-message')], ['5', 'There is none.']);
      const status = RpcStatus.decode(Buffer.from(trailers.get('grpc-status-details-bin') ?? '', 'base64'));
      assert.equal(ErrorInfo.decode(status.details[0]?.value ?? Buffer.alloc(0)).reason, 'POST_NOT_FOUND');
    }
  });

  it('tells what the front door refuses by the same codes as everywhere', async () => {
    const bad = { authorization: 'Bearer bad' };
    const huge = new Uint8Array(64 * 1024);
    const internal = '/oxo.post.v1.PostInternalService/BatchGetPosts';
    const refusals: [Awaited<ReturnType<typeof callGrpcWeb>>, string, RegExp][] = [
      [await callGrpcWeb(door, GET_POST, request, { headers: bad }), '16', /^What was sent is no access token/],
      [await callGrpcWeb(door, '/oxo.feed.v1.FeedService/GetFeed', request), '14', /^The service is away/],
      [await callGrpcWeb(door, GET_POST, huge), '3', /^The body is larger than 64 KiB/],
      [await callGrpcWeb(door, GET_POST, huge, { text: true }), '3', /^The body is larger than 64 KiB/],
      [await callGrpcWeb(door, internal, request), '12', /^No such RPC/],
    ];
    for (const [{ http, trailers }, code, message] of refusals) {
      assert.equal(trailers.get('grpc-status'), code, JSON.stringify(http));
      assert.match(trailers.get('grpc-message') ?? '', message);
      assert.deepEqual([http.status, http.body], [200, '']);
      assert.match(String(http.headers['content-type']), /^application\/grpc-web/);
      assert.equal(typeof http.headers['x-request-id'], 'string');
    }
    assert.deepEqual(door.upstream.calls, []);
    const unknown = await callGrpcWeb(door, '/oxo.post.v1.PostService/Nope', request);
    assert.equal(unknown.trailers.get('grpc-status'), '12', 'by the service');
  });

  it('is refused when the service is busy', async () => {
    const held = Promise.withResolvers<void>();
    door.upstream.answer(GET_POST, () => held.promise);
    const admitted = callGrpcWeb(door, GET_POST, request);
    await door.upstream.arrived(1);
    const { trailers, http } = await callGrpcWeb(door, GET_POST, request);
    assert.equal(trailers.get('grpc-status'), '14');
    assert.equal(http.headers['retry-after'], '1');
    held.resolve();
    assert.equal((await admitted).trailers.get('grpc-status'), '0');
  });

  it('is not a form that a page may post without asking', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json', undefined]) {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const answer = await call(door, { method: 'POST', path: GET_POST, headers, body: Buffer.alloc(5) });
      assert.equal(answer.status, 404, type);
    }
    assert.deepEqual(door.upstream.calls, []);
  });
});

function failWithDetails(context: CallContext): never {
  const value = ErrorInfo.encode({ reason: 'POST_NOT_FOUND', domain: 'oxo', metadata: {} }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(value) }];
  const message = 'There is none.';
  context.trailer.set('grpc-status-details-bin', RpcStatus.encode({ code: 5, message, details }).finish());
  throw new ServerError(5, message);
}

import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Session } from 'node:http2';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createChannel, createClient, Status } from 'nice-grpc';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { type Answer, assertError, call, callHttp2, post } from '../testing/http.ts';

const MALFORMED = { status: 400, code: 3, reason: 'REQUEST_MALFORMED' };
const GET_POST = '/oxo.post.v1.PostService/GetPost';
const GET_FEED = '/oxo.feed.v1.FeedService/GetFeed';
const REQUEST_TIMEOUT_MS = 2_000;
/** An empty message, framed as gRPC does. */
const EMPTY_MESSAGE = Buffer.alloc(5);

describe('headers of requests', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ requestTimeoutMs: REQUEST_TIMEOUT_MS });
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  async function callGrpc(path: string, headers: Record<string, string>): Promise<Answer> {
    const grpc = { 'content-type': 'application/grpc', te: 'trailers', ...headers };
    const [answer] = await callHttp2(door, [{ method: 'POST', path, headers: grpc, body: EMPTY_MESSAGE }]);
    assert(answer);
    return answer;
  }

  it('are refused when gRPC could not carry them on: a dropped one would be no token, or no key', async () => {
    const token = await door.issuer.token();
    const wrong: [string, string, string][] = [
      ['authorization', 'Authorization', `Bearer\t${token}`],
      ['authorization', 'Authorization', 'Basic \xe9'],
      ['idempotency-key', 'Idempotency-Key', 'a\tb'],
      ['idempotency-key', 'Idempotency-Key', 'caf\xe9'],
      ['idempotency-key', 'Idempotency-Key', '\x80'],
      ['if-match', 'If-Match', '"caf\xe9"'],
    ];
    for (const [name, field, value] of wrong) {
      const headers = { [name]: value };
      for (const path of ['/api/v1/posts/p1', '/api/v1/users/me']) {
        const message = assertError(await call(door, { path, headers }), { ...MALFORMED, field });
        assert.doesNotMatch(message, /eyJ/);
      }
      assertError(await post(door, '/api/v1/posts', '{"text":"a"}', headers), { ...MALFORMED, field });
      const [overHttp2] = await callHttp2(door, [{ path: '/api/v1/posts/p1', headers }]);
      assert(overHttp2);
      assertError(overHttp2, { ...MALFORMED, field });
      assert.equal((await callGrpc(GET_POST, headers)).headers['grpc-status'], String(Status.INVALID_ARGUMENT));
    }
    const afterToken = { authorization: `Bearer ${token}\tx` };
    assert.equal((await call(door, { path: '/api/v1/posts/p1', headers: afterToken })).status, 401);
    assert.deepEqual(door.upstream.calls, []);
  });

  it('are passed on with every character that gRPC can carry', async () => {
    const key = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join(' ');
    await call(door, { path: '/api/v1/posts/p1', headers: { 'idempotency-key': key, authorization: 'Basic abc' } });
    const metadata = door.upstream.calls[0]?.metadata;
    assert.equal(metadata?.get('idempotency-key'), key);
    assert.equal(metadata?.get('authorization'), 'Basic abc');
  });

  it('go no further when they hold secrets that no service asks for', async () => {
    const headers = {
      cookie: 'session=s\xe9cret',
      referer: 'https://app.example/?code=secret',
      'proxy-authorization': 'x',
    };
    assert.equal((await call(door, { path: '/api/v1/posts/p1', headers })).status, 200);
    const metadata = [...(door.upstream.calls[0]?.metadata ?? [])];
    assert.deepEqual(
      metadata.filter(([name, value]) => name in headers || value.includes('secret')),
      [],
    );
  });

  it('do not change how long a service may take', async () => {
    const feed = await startBareFeed(door.feedPort);
    try {
      for (const timeout of ['1n', 'abc', '', '99999999H', '1m', undefined]) {
        const headers: Record<string, string> = timeout === undefined ? {} : { 'grpc-timeout': timeout };
        assert.equal((await call(door, { path: '/api/v1/feed', headers })).status, 200, timeout);
      }
      assert.equal((await callGrpc(GET_FEED, { 'grpc-timeout': '99999999H' })).headers['grpc-status'], undefined);
      assert.equal(feed.timeouts.length, 7);
      assert.deepEqual([...new Set(feed.timeouts)], [`${REQUEST_TIMEOUT_MS * 1.05}m`]);
    } finally {
      await feed.stop();
    }
  });

  it('are refused to gRPC clients when their deadline is none', async () => {
    for (const timeout of ['abc', '1', '-1S', '123456789S', '1.5S', '1S 2S']) {
      const { headers } = await callGrpc(GET_POST, { 'grpc-timeout': timeout });
      assert.equal(headers['grpc-status'], String(Status.INVALID_ARGUMENT), timeout);
    }
    assert.deepEqual(door.upstream.calls, []);
  });

  it('let a gRPC client give up sooner, and the service hears of it', async () => {
    let gaveUp: Promise<void> | undefined;
    const client = new AbortController();
    door.upstream.answer(GET_POST, (_request, { signal }) => {
      gaveUp = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      client.abort();
      return new Promise(() => undefined);
    });
    const channel = createChannel(`${door.host}:${door.port}`);
    const posts = createClient(PostServiceDefinition, channel);
    await assert.rejects(posts.getPost({ id: 'p1' }, { signal: client.signal }), { name: 'AbortError' });
    await gaveUp;
    channel.close();
  });
});

/** A feed service that shows what gRPC libraries hide: the deadline as it came. */
async function startBareFeed(port: number): Promise<{ timeouts: unknown[]; stop(): Promise<void> }> {
  const timeouts: unknown[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    timeouts.push(headers['grpc-timeout']);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(EMPTY_MESSAGE);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { timeouts, stop };
}

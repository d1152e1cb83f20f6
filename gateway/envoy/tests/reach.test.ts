import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ClientError, createChannel, createClient, Metadata, Status } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { FeedServiceDefinition } from '#gen/oxo/feed/v1/feed_service.ts';
import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { assertError, call, post } from '../testing/http.ts';

const NOT_FOUND = { status: 404, code: 5, reason: 'ROUTE_NOT_FOUND' };

describe('what can be reached through the front door', () => {
  let door: FrontDoor;
  let channel: ReturnType<typeof createChannel>;
  before(async () => {
    door = await startFrontDoor();
    channel = createChannel(`${door.host}:${door.port}`);
  });
  beforeEach(() => door.upstream.reset());
  after(async () => {
    channel.close();
    await door.stop();
  });

  it('serves gRPC clients of public services', async () => {
    door.upstream.answer('/oxo.post.v1.PostService/CreatePost', (request, context) => {
      context.header.set('x-http-code', '201');
      return { post: { id: 'p1', text: request.text } };
    });
    const posts = createClient(PostServiceDefinition, channel);
    const metadata = Metadata({ 'x-request-id': 'a b' });
    const { post: created } = await posts.createPost({ text: 'a', visibility: 1 }, { metadata });
    assert.equal(created?.text, 'a');
    assert.equal(door.upstream.calls[0]?.metadata.get('x-request-id'), 'a_b');
  });

  it('answers gRPC clients with gRPC errors', async () => {
    const posts = createClient(PostServiceDefinition, channel);
    const withToken = (token: string) => ({ metadata: Metadata({ authorization: `Bearer ${token}` }) });
    const refused = [
      await door.issuer.token({ expiresInSeconds: -60 }),
      await door.issuer.token({ audience: 'oxo-internal' }),
      'garbage',
    ];
    for (const token of refused) {
      await assert.rejects(posts.getPost({ id: 'p1' }, withToken(token)), isClientError(Status.UNAUTHENTICATED));
    }
    const tooLarge = posts.createPost({ text: 'a'.repeat(70_000), visibility: 1 });
    await assert.rejects(tooLarge, isClientError(Status.INVALID_ARGUMENT));
    const feed = createClient(FeedServiceDefinition, channel);
    await assert.rejects(feed.getFeed({}), isClientError(Status.UNAVAILABLE));
    assert.deepEqual(door.upstream.calls, []);
  });

  it('does not know internal services by gRPC', async () => {
    const auth = createClient(AuthInternalServiceDefinition, channel);
    const posts = createClient(PostInternalServiceDefinition, channel);
    const users = createClient(UserInternalServiceDefinition, channel);
    const token = { metadata: Metadata({ authorization: `Bearer ${await door.issuer.token()}` }) };
    const calls = [
      () => auth.issueServiceToken({ clientId: 'feed', clientSecret: 'x' }),
      () => posts.batchGetPosts({ ids: ['p1'] }, token),
      () => users.createUser({ id: 'u1', handle: 'a', displayName: '' }, token),
      () =>
        users
          .streamFollowerIds({ userIds: ['u1'] })
          [Symbol.asyncIterator]()
          .next(),
    ];
    for (const attempt of calls) await assert.rejects(attempt(), isClientError(Status.UNIMPLEMENTED));
    assert.deepEqual(door.upstream.calls, []);
  });

  it('does not know internal services, health checks or reflection by any path', async () => {
    const paths = [
      '/oxo.post.v1.PostInternalService/BatchGetPosts',
      '/oxo.auth.v1.AuthInternalService/IssueServiceToken',
      '//oxo.post.v1.PostInternalService/BatchGetPosts',
      '/api/v1/../../oxo.post.v1.PostInternalService/BatchGetPosts',
      '/oxo.post.v1.PostService/../oxo.post.v1.PostInternalService/BatchGetPosts',
      '/oxo.post.v1.PostService/GetPost',
      '/grpc.health.v1.Health/Check',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    ];
    for (const path of paths) {
      assertError(await post(door, path, '{}'), NOT_FOUND);
      assertError(await call(door, { path }), NOT_FOUND);
    }
    const health = { method: 'POST', path: '/grpc.health.v1.Health/Check' };
    const grpc = await call(door, { ...health, headers: { 'content-type': 'application/grpc', te: 'trailers' } });
    assert.equal(grpc.headers['grpc-status'], String(Status.UNIMPLEMENTED));
    assert.deepEqual(door.upstream.calls, []);
  });

  it('lets nobody stop it by its admin interface', async () => {
    const admin = (path: string, method = 'POST') =>
      call({ host: door.host, port: door.adminPort }, { method, path }).then(({ status }) => status);
    for (const path of [
      '/quitquitquit',
      '/healthcheck/fail',
      '/drain_listeners',
      '/logging?level=trace',
      '/reset_counters',
    ]) {
      assert.equal(await admin(path), 403, path);
    }
    for (const path of ['/config_dump', '/certs', '/']) assert.equal(await admin(path, 'GET'), 403, path);
    for (const path of ['/ready', '/stats?filter=front_door', '/stats/prometheus?usedonly']) {
      assert.equal(await admin(path, 'GET'), 200, path);
    }
    assert.equal((await call(door, { path: '/api/v1/posts/p1' })).status, 200);
  });

  it('strips headers that only Envoy and the services may set', async () => {
    const headers = {
      'x-oxo-on-behalf-of': 'someone',
      'X-OXO-Anything': '1',
      'x-http-code': '204',
      'x-envoy-original-path': '/evil',
      'x-envoy-upstream-rq-timeout-ms': '1',
      'x-envoy-retry-on': '5xx',
      'x-internal-user': '1',
      x_oxo_user: '1',
      'x-forwarded-for': '6.6.6.6',
    };
    await call(door, { path: '/api/v1/posts/p1', headers });
    const metadata = door.upstream.calls[0]?.metadata ?? new Map<string, string>();
    const internal = [...metadata.keys()].filter((name) => /oxo|internal|http-code|x-envoy/.test(name));
    assert.deepEqual(internal.sort(), ['x-envoy-original-method', 'x-envoy-original-path']);
    assert.equal(metadata.get('x-envoy-original-path'), '/api/v1/posts/p1');
    assert.equal(metadata.get('x-forwarded-for'), '127.0.0.1');
  });

  it('lets no internal header out', async () => {
    door.upstream.answer('/oxo.post.v1.PostService/GetPost', (_request, context) => {
      context.header.set('x-oxo-secret', '1');
      context.header.set('x-http-code', '200');
      context.trailer.set('x-oxo-trailer', '1');
    });
    const { headers } = await call(door, { path: '/api/v1/posts/p1' });
    assert.deepEqual(
      Object.keys(headers).filter((name) => /^(x-oxo|x-http|x-envoy|grpc)/.test(name)),
      [],
    );
    let names: string[] = [];
    const posts = createClient(PostServiceDefinition, channel);
    await posts.getPost(
      { id: 'p1' },
      {
        onHeader: (header) => names.push(...[...header].map(([name]) => name)),
        onTrailer: (trailer) => names.push(...[...trailer].map(([name]) => name)),
      },
    );
    names = names.filter((name) => /^(x-oxo|x-http)/.test(name));
    assert.deepEqual(names, []);
  });
});

function isClientError(code: Status): (error: unknown) => boolean {
  return (error) => error instanceof ClientError && error.code === code;
}

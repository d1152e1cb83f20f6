/** Limits on writes, as a stack has them: the rate limit service with our settings, its Redis, and an Envoy in front of it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until } from '#kit/testing/until.ts';
import type { EdgeLimits, Rate } from '../../../gateway/envoy/render.ts';
import { type FrontDoor, startFrontDoor } from '../../../gateway/envoy/testing/front-door.ts';
import { callGrpcWeb } from '../../../gateway/envoy/testing/grpc-web.ts';
import { type Answer, assertError, call, callHttp2, post } from '../../../gateway/envoy/testing/http.ts';
import { plenty } from '../../../gateway/envoy/testing/plenty.ts';
import { findFreePortBase, serverPorts } from '../ports.ts';
import { type SupervisedProcess, supervise } from '../supervisor/process.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { prepareRatelimit, ratelimitEndpoint } from './ratelimit.ts';
import { prepareRedis, redisUrl } from './redis.ts';
import { redisAdmin } from './redis-acl.ts';
import { socketsOf } from './sockets.ts';

const RATE_LIMITED = { status: 429, code: 8, reason: 'RATE_LIMITED' };
const a = (calls: number): Rate => ({ calls, per: 'day' });
const limits: EdgeLimits = {
  ...plenty,
  writes: { ...plenty.writes, user: a(8), network: a(30), client: a(4), grant: a(2) },
};

let door: FrontDoor;
let redis: SupervisedProcess;
let ratelimit: SupervisedProcess;

before(async () => {
  const stateDir = temporaryFolder();
  const portBase = await findFreePortBase();
  const sockets = socketsOf(stateDir);
  const { limitsRedis } = serverPorts(portBase);
  const password = 'ratelimit-password';
  redis = supervise(
    await prepareRedis({
      program: process.env.TEST_REDIS_BINARY ?? '',
      dataDir: `${stateDir}/data/redis-limits`,
      logPath: `${stateDir}/redis.log`,
      port: limitsRedis,
      socketPath: sockets.limitsRedisPath,
      adminPassword: 'admin',
      users: { services: new Map(), ratelimit: new Map([['ratelimit', password]]) },
      name: 'redis-limits',
    }),
  );
  await redis.ready();
  ratelimit = supervise(
    prepareRatelimit({
      program: process.env.TEST_RATELIMIT_BINARY ?? '',
      runDir: `${stateDir}/run/ratelimit`,
      logPath: `${stateDir}/ratelimit.log`,
      portBase,
      socketPath: sockets.ratelimitPath,
      limits,
      metrics: false,
      redis: {
        url: redisUrl(limitsRedis, redisAdmin, 'admin'),
        socketPath: sockets.limitsRedisPath,
        user: 'ratelimit',
        password,
      },
    }),
  );
  await ratelimit.ready();
  door = await startFrontDoor({
    limits,
    trustedHops: 1,
    ratelimit: ratelimitEndpoint(portBase, sockets.ratelimitPath),
  });
});
beforeEach(() => door.upstream.reset());
after(async () => {
  await Promise.all([door?.stop(), ratelimit?.stop()]);
  await redis?.stop();
});

let people = 0;

/** Somebody whose next write is the first that is counted, in a network where none was. */
async function somebody() {
  people += 1;
  const token = await door.issuer.token({ subject: `person ${people}` });
  const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': `203.0.113.${people}` };
  const { status, headers: told } = await create(headers);
  assert.deepEqual([status, told['ratelimit-limit']], [200, '1000000']);
  return headers;
}

type Headers = Record<string, string>;
const create = (headers: Headers) => post(door, '/api/v1/posts', '{"text":"a"}', headers);
const update = (headers: Headers) => call(door, { method: 'PUT', path: '/api/v1/users/u1/follow', headers });
const remove = (headers: Headers) => call(door, { method: 'DELETE', path: '/api/v1/posts/p1', headers });
const read = (headers: Headers) => call(door, { path: '/api/v1/posts/p1', headers });
const remaining = ({ headers }: Answer) => Number(headers['ratelimit-remaining']);

async function failureModeAllowed(): Promise<number> {
  const text = await (
    await fetch(`http://${door.host}:${door.adminPort}/stats?filter=ratelimit.failure_mode_allowed`)
  ).text();
  return text.split('\n').reduce((sum, line) => sum + Number(line.split(': ')[1] ?? 0), 0);
}

describe('limits on writes', () => {
  it('ask the service only when a person writes more than a little', async () => {
    const { authorization } = await somebody();
    const elsewhere = { authorization, 'x-forwarded-for': '198.51.100.1' };
    assert.equal(remaining(await create(elsewhere)), 5);
    // Nobody can say that he is to be counted, or that he is not.
    const token = `Bearer ${await door.issuer.token({ subject: 'somebody else' })}`;
    const spoofed = { authorization: token, 'x-oxo-counted': 'counted', 'x-forwarded-for': '198.51.100.2' };
    assert.equal((await create(spoofed)).headers['ratelimit-limit'], '1000000');
    for (const name of ['x-oxo-counted', 'x-oxo-user'])
      assert.equal(door.upstream.calls.at(-1)?.metadata.get(name), undefined);
    assert.equal(remaining(await create({ ...spoofed, 'x-oxo-counted': '' })), 5);
    assert.equal(door.upstream.calls.at(-1)?.metadata.get('x-oxo-counted'), undefined);
  });

  it('weigh what is created 3, changed 2, deleted 1, and not what is read', async () => {
    const headers = await somebody();
    assert.equal(remaining(await create(headers)), 5);
    assert.equal(remaining(await update(headers)), 3);
    assert.equal(remaining(await remove(headers)), 2);
    assert.equal((await read(headers)).status, 200);
    assert.equal(remaining(await remove(headers)), 1);
  });

  it('refuse a person who writes too much, from wherever, and tell when to come back', async () => {
    const headers = await somebody();
    for (const left of [5, 2]) assert.equal(remaining(await create(headers)), left);
    const elsewhere = { ...headers, 'x-forwarded-for': (await somebody())['x-forwarded-for'] };
    door.upstream.reset();
    const refused = await create(elsewhere);
    assertError(refused, RATE_LIMITED);
    assert.deepEqual(door.upstream.calls, []);
    assert.equal(refused.headers['retry-after'], refused.headers['ratelimit-reset']);
    assert.ok(Number(refused.headers['retry-after']) > 1);
    assert.equal(refused.headers['ratelimit-limit'], '8');
    for (const name of Object.keys(refused.headers)) assert.doesNotMatch(name, /^x-(ratelimit|envoy)/);
    // Whoever may not write may read, and others may write.
    assert.equal((await read(headers)).status, 200);
    assert.equal((await create(await somebody())).status, 200);
  });

  it('count writes by gRPC and gRPC-Web alike', async () => {
    const headers = await somebody();
    const path = '/oxo.post.v1.PostService/CreatePost';
    const grpc = { ...headers, 'content-type': 'application/grpc', te: 'trailers' };
    const [first] = await callHttp2(door, [{ method: 'POST', path, headers: grpc, body: Buffer.alloc(5) }]);
    assert.equal(first?.headers['ratelimit-remaining'], '5');
    const web = await callGrpcWeb(door, path, new Uint8Array(), { headers });
    assert.equal(web.http.headers['ratelimit-remaining'], '2');
    const [refused] = await callHttp2(door, [{ method: 'POST', path, headers: grpc, body: Buffer.alloc(5) }]);
    assert.deepEqual([refused?.status, refused?.headers['grpc-status']], [200, '8']);
    assert.ok(Number(refused?.headers['retry-after']) > 1);
    assert.equal((await callGrpcWeb(door, path, new Uint8Array(), { headers })).trailers.get('grpc-status'), '8');
  });

  it('hold for a network without tokens too, and whatever address a client claims', async () => {
    const address = '198.51.100.3';
    const login = (claimed: string) =>
      post(door, '/api/v1/auth/login', '{"identifier":"a","password":"b"}', {
        'x-forwarded-for': `${claimed}, ${address}`,
      });
    // Of those without a token one a day may pass uncounted.
    await post(door, '/api/v1/auth/login', '{"identifier":"a","password":"b"}', { 'x-forwarded-for': '198.51.100.4' });
    for (let time = 1; time <= 10; time += 1) assert.equal(remaining(await login(`198.51.100.${time}`)), 30 - 3 * time);
    assertError(await login('198.51.100.77'), RATE_LIMITED);
    // No other scheme makes somebody of nobody.
    const basic = { authorization: 'Basic YTpi', 'x-forwarded-for': address };
    assertError(await post(door, '/api/v1/auth/login', '{"identifier":"a","password":"b"}', basic), RATE_LIMITED);
    assertError(await create({ ...(await somebody()), 'x-forwarded-for': address }), RATE_LIMITED);
  });
});

describe('limits on writes of apps', () => {
  it('hold for each key, and for each app', async () => {
    const by = async (clientId: string, sid: string) => {
      const subject = `of ${clientId} ${sid} ${++people}`;
      const authorization = `Bearer ${await door.issuer.token({ subject, clientId, sid })}`;
      const headers = { authorization, 'x-forwarded-for': `192.0.2.${people}` };
      // The first of a person is not counted.
      await remove(headers);
      return remove(headers);
    };
    for (const left of [1, 0]) assert.equal(remaining(await by('api-key', 'key:1')), left);
    assertError(await by('api-key', 'key:1'), RATE_LIMITED);
    assert.equal(remaining(await by('api-key', 'key:2')), 1);
    for (let grant = 1; grant <= 4; grant += 1) assert.equal((await by('an app', `grant ${grant}`)).status, 200);
    assertError(await by('an app', 'grant 5'), RATE_LIMITED);
    assert.equal(remaining(await by('oxo', 'grant 5')), 7);
  });
});

describe("limits on OAuth's paths and pages", () => {
  it('count what is sent by network, introspection and what browsers begin less', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.5' };
    const send = (path: string) => call(door, { method: 'POST', path, headers });
    let left = 30;
    for (const [path, weight] of [
      ['/oauth/token', 3],
      ['/oauth/register', 3],
      ['/oauth/introspect', 1],
      ['/signin', 3],
      ['/device/x', 3],
    ] as const) {
      left -= weight;
      assert.equal(remaining(await send(path)), left, path);
    }
    const ask = (path: string) => call(door, { path, headers });
    for (const path of ['/oauth/authorize?client_id=x', '/oauth/logout', '/device']) {
      left -= 1;
      assert.equal(remaining(await ask(path)), left, path);
    }
    assert.equal((await ask('/signin')).headers['ratelimit-limit'], '1000000');
    for (let time = 0; time < 4; time += 1) await send('/oauth/token');
    const refused = await send('/oauth/token');
    assert.deepEqual([refused.status, JSON.parse(refused.body).error], [429, 'slow_down']);
    assert.equal(refused.headers['retry-after'], refused.headers['ratelimit-reset']);
  });
});

describe('limits on writes, while what counts them is away', () => {
  for (const name of ['the rate limit service', 'its Redis'] as const) {
    it(`pass without ${name}, which a metric tells, and hold again when it is back`, async () => {
      const server = name === 'its Redis' ? redis : ratelimit;
      const headers = await somebody();
      const before = await failureModeAllowed();
      await server.pause('SIGKILL');
      for (let time = 0; time < 4; time += 1) assert.equal((await create(headers)).status, 200);
      assert.equal((await failureModeAllowed()) - before, 4);
      await server.resume();
      await until(
        'writes are counted',
        async () => (await create(await somebody())).headers['ratelimit-remaining'] === '5',
      );
      const late = await somebody();
      for (let time = 0; time < 2; time += 1) assert.equal((await create(late)).status, 200);
      assertError(await create(late), RATE_LIMITED);
    });
  }
});

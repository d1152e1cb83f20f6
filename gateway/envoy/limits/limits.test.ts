import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { GetPostRequest } from '#gen/oxo/post/v1/post_service.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { callGrpcWeb } from '../testing/grpc-web.ts';
import { type Answer, assertError, call, callHttp2, post } from '../testing/http.ts';
import { plenty } from '../testing/plenty.ts';
import type { EdgeLimits, Rate } from './rates.ts';

const RATE_LIMITED = { status: 429, code: 8, reason: 'RATE_LIMITED' };
/** So slow that no test sees it filled again. */
const a = (calls: number): Rate => ({ calls, per: 'day' });
const GET_POST = '/oxo.post.v1.PostService/GetPost';

/** Where a client behind one proxy of ours seems to be. */
const from = (address: string, ...spoofed: string[]) => ({ 'x-forwarded-for': [...spoofed, address].join(', ') });

function limitsOf({ headers }: Answer) {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => headers[`ratelimit-${name}`]);
  return { limit, remaining, resets: Number(reset) >= 0 };
}

describe('limits that Envoy counts itself', () => {
  let door: FrontDoor;
  const limits: EdgeLimits = { ...plenty, network: a(4), reads: { user: a(3), client: a(5), grant: a(2) } };
  before(async () => {
    door = await startFrontDoor({ limits, trustedHops: 1 });
  });
  beforeEach(() => door.upstream.reset());
  after(() => door.stop());

  const read = (headers: Record<string, string>) => call(door, { path: '/api/v1/posts/p1', headers });

  it('refuse a network that asks too often, in the one shape, and say what is left', async () => {
    const address = from('203.0.113.1');
    for (const remaining of ['3', '2', '1', '0']) {
      const answer = await read(address);
      assert.equal(answer.status, 200);
      assert.deepEqual(limitsOf(answer), { limit: '4', remaining, resets: true });
    }
    const refused = await read(address);
    assertError(refused, RATE_LIMITED);
    assert.equal(refused.headers['retry-after'], '1');
    assert.deepEqual(limitsOf(refused), { limit: '4', remaining: '0', resets: true });
    for (const name of Object.keys(refused.headers)) assert.doesNotMatch(name, /^x-(ratelimit|envoy)/);
    assertError(await post(door, '/api/v1/posts', '{"text":"a"}', address), RATE_LIMITED);
    assert.equal((await read(from('203.0.113.2'))).status, 200);
    assert.equal(door.upstream.calls.length, 5);
  });

  it('refuse it before they look at its token', async () => {
    const address = from('203.0.113.3');
    const forged = { ...address, authorization: `Bearer ${await door.issuer.forgedToken()}` };
    for (let time = 0; time < 4; time += 1) assert.equal((await read(forged)).status, 401);
    assertError(await read(forged), RATE_LIMITED);
  });

  it('believe the address that our own proxy saw, and none that the client adds', async () => {
    for (let time = 0; time < 4; time += 1)
      assert.equal((await read(from('203.0.113.4', `198.51.100.${time}`))).status, 200);
    assertError(await read(from('203.0.113.4', '198.51.100.99')), RATE_LIMITED);
    assertError(await read({ ...from('203.0.113.4'), 'x-envoy-external-address': '198.51.100.98' }), RATE_LIMITED);
    // Nor does a stranger's claim use up what is another's.
    assert.equal((await read(from('198.51.100.99', '203.0.113.4'))).status, 200);
  });

  it('count a /64 of IPv6 as one network', async () => {
    for (const host of ['1', '2', 'ffff:ffff', 'a:b:c:d'])
      assert.equal((await read(from(`2001:db8:0:7::${host}`.replace('::a:b:c:d', ':a:b:c:d')))).status, 200);
    assertError(await read(from('2001:db8:0:7::5')), RATE_LIMITED);
    assert.equal((await read(from('2001:db8:0:8::1'))).status, 200);
  });

  it('count the reads of a person wherever they come from, by REST, gRPC and gRPC-Web together', async () => {
    const authorization = `Bearer ${await door.issuer.token({ subject: 'reader' })}`;
    const first = await read({ authorization, ...from('203.0.113.10') });
    assert.deepEqual(limitsOf(first), { limit: '3', remaining: '2', resets: true });
    const grpc = (address: string) => {
      const headers = { authorization, 'content-type': 'application/grpc', te: 'trailers', ...from(address) };
      return callHttp2(door, [{ method: 'POST', path: GET_POST, headers, body: Buffer.alloc(5) }]);
    };
    const web = (address: string) => {
      const message = GetPostRequest.encode({ id: 'p1' }).finish();
      return callGrpcWeb(door, GET_POST, message, { headers: { authorization, ...from(address) } });
    };
    assert.equal((await grpc('203.0.113.11'))[0]?.headers['grpc-status'] ?? '0', '0');
    assert.equal((await web('203.0.113.12')).trailers.get('grpc-status'), '0');

    assertError(await read({ authorization, ...from('203.0.113.13') }), RATE_LIMITED);
    const [refused] = await grpc('203.0.113.14');
    assert.equal(refused?.status, 200);
    assert.equal(refused?.headers['grpc-status'], '8');
    assert.equal((await web('203.0.113.15')).trailers.get('grpc-status'), '8');
    // Others read, and so does who has no token; writing is another matter.
    const other = `Bearer ${await door.issuer.token({ subject: 'other' })}`;
    assert.equal((await read({ authorization: other, ...from('203.0.113.16') })).status, 200);
    assert.equal((await read(from('203.0.113.17'))).status, 200);
    assert.equal(
      (await post(door, '/api/v1/posts', '{"text":"a"}', { authorization, ...from('203.0.113.18') })).status,
      200,
    );
  });

  it('count the reads of each key and consent, and of each app for all people', async () => {
    let reads = 0;
    const by = async (clientId: string, sid: string) => {
      reads += 1;
      const token = await door.issuer.token({ subject: `person ${reads}`, clientId, sid });
      return read({ authorization: `Bearer ${token}`, ...from(`192.0.2.${reads}`) });
    };
    for (let time = 0; time < 2; time += 1) assert.equal((await by('api-key', 'key:1')).status, 200);
    assertError(await by('api-key', 'key:1'), RATE_LIMITED);
    // Keys are no app, and our own sign-in is neither.
    for (let key = 2; key < 8; key += 1) assert.equal((await by('api-key', `key:${key}`)).status, 200);
    for (let time = 0; time < 8; time += 1) assert.equal((await by('oxo', 'one session')).status, 200);
    for (let grant = 0; grant < 5; grant += 1) assert.equal((await by('an app', `grant ${grant}`)).status, 200);
    assertError(await by('an app', 'grant 6'), RATE_LIMITED);
    assert.equal((await by('another app', 'grant 7')).status, 200);
    for (const name of ['x-oxo-user', 'x-oxo-client', 'x-oxo-grant'])
      assert.equal(door.upstream.calls.at(-1)?.metadata.get(name), undefined);
  });

  it('take nothing for a person that only says who it is', async () => {
    for (let time = 0; time < 4; time += 1) {
      const headers = { 'x-oxo-user': 'reader', claims: 'reader', ...from('203.0.113.20') };
      assert.equal((await read(headers)).status, 200);
    }
  });
});

describe('the limit of all together', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ limits: { ...plenty, everyone: a(2) }, trustedHops: 1 });
  });
  after(() => door.stop());

  it('holds whoever they are', async () => {
    for (const number of [1, 2])
      assert.equal((await call(door, { path: '/api/v1/posts/p1', headers: from(`203.0.113.${number}`) })).status, 200);
    assertError(await call(door, { path: '/api/v1/posts/p1', headers: from('203.0.113.3') }), RATE_LIMITED);
  });
});

import assert from 'node:assert/strict';
import { Metadata, Status } from 'nice-grpc';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { type Api, type ApiRequest, refusal } from '../testing/client.ts';
import { openForge } from '../testing/credentials.ts';
import { type Person, post, signUp } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';
import { revocationMs } from './sessions.ts';

type Key = { readonly id: string; readonly secret: string };
type ApiKey = { readonly id: string; readonly name: string; readonly scopes: string[]; readonly lastUsedAt?: string };

const SCOPES = ['feed:read', 'posts:read'];

async function makeKey(api: Api, { accessToken: token }: Person, scopes = SCOPES): Promise<Key> {
  const body = { name: 'reader', scopes };
  type Made = { apiKey: ApiKey; secret: string };
  const { apiKey, secret } = await api.get<Made>({ method: 'POST', path: '/api-keys', token, body });
  return { id: apiKey.id, secret };
}

/** A request with an API key instead of a token. */
function withKey(secret: string, request: ApiRequest): ApiRequest {
  return { ...request, headers: { ...request.headers, 'x-api-key': secret } };
}

const feedBy = (secret: string) => withKey(secret, { path: '/feed' });

async function rotate(api: Api, { accessToken: token }: Person, id: string, body: object): Promise<string> {
  return (await api.get<{ secret: string }>({ method: 'POST', path: `/api-keys/${id}:rotate`, token, body })).secret;
}

/** The JWT that the front door gets for a key; nobody outside can ask for it. */
async function exchanged({ stack }: World, secret: string): Promise<string> {
  const url = `http://127.0.0.1:${stack.environmentOf('auth').HTTP_PORT}/internal/exchange`;
  const response = await fetch(url, { headers: { 'x-api-key': secret } });
  assert.equal(response.status, 200);
  return (response.headers.get('authorization') ?? '').replace('Bearer ', '');
}

async function requireReason(api: Api, request: ApiRequest, status: number, reason: string): Promise<void> {
  const error = await refusal(api, request);
  assert.deepEqual([error.status, error.reason], [status, reason], request.path);
}

/** The front door refuses the key, and every service the token that it was exchanged for before. */
async function requireEnded(world: World, secret: string, jwt: string): Promise<void> {
  for (const path of ['/feed', '/feed/public']) {
    await requireReason(world.api, withKey(secret, { path }), 401, 'API_KEY_INVALID');
  }
  const stubs = openStubs(world.stack);
  try {
    const metadata = Metadata({ authorization: `Bearer ${jwt}` });
    const direct = [
      stubs.user.getUser({ id: 'me' }, { metadata }),
      stubs.feed.getFeed({}, { metadata }),
      stubs.post.listUserPosts({ userId: 'me' }, { metadata }),
    ];
    await Promise.all(direct.map((call) => assert.rejects(call, /UNAUTHENTICATED/)));
  } finally {
    stubs.close();
  }
}

/** Programs of one's own, by keys instead of sign-ins. */
export const apiKeys: Cases = {
  'a key does what its scopes say, for its owner, and no more': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const written = await post(api, person, 'read by a program');
    const { id, secret } = await makeKey(api, person);
    const page = await api.get<{ items: { post: { id: string } }[] }>(feedBy(secret));
    assert.deepEqual(
      page.items.map((item) => item.post.id),
      [written.id],
    );
    assert.equal((await api.call(withKey(secret, { path: '/feed/public' }))).status, 200);
    const beyond = { method: 'POST', path: '/posts', body: { text: 'x' } } as const;
    await requireReason(api, withKey(secret, beyond), 403, 'SCOPE_MISSING');
    const manage: ApiRequest[] = [
      { path: '/api-keys' },
      { method: 'POST', path: '/api-keys', body: { name: 'more', scopes: SCOPES } },
      { method: 'DELETE', path: `/api-keys/${id}` },
      { method: 'POST', path: `/api-keys/${id}:rotate`, body: {} },
      { path: '/auth/sessions' },
      { method: 'POST', path: '/auth/logout', body: { all: true } },
    ];
    for (const request of manage) await requireReason(api, withKey(secret, request), 403, 'FIRST_PARTY_ONLY');
    const { apiKeys: listed } = await api.get<{ apiKeys: ApiKey[] }>({ path: '/api-keys', token: person.accessToken });
    assert.deepEqual(
      listed.map(({ id: listedId, name, scopes }) => [listedId, name, scopes]),
      [[id, 'reader', SCOPES]],
    );
    assert.ok(listed[0]?.lastUsedAt !== undefined);
  },

  'a stolen token makes no key when its sign-in was long ago': async ({ api, stack }) => {
    const person = await signUp(api);
    const { id } = await makeKey(api, person);
    const forge = await openForge(stack);
    const auth_time = Math.floor(Date.now() / 1_000) - 901;
    const token = await forge.sign(forge.claims(person.id, { auth_time }));
    const make: ApiRequest = { method: 'POST', path: '/api-keys', token, body: { name: 'more', scopes: SCOPES } };
    await requireReason(api, make, 401, 'SIGN_IN_TOO_OLD');
    const another: ApiRequest = { method: 'POST', path: `/api-keys/${id}:rotate`, token, body: {} };
    await requireReason(api, another, 401, 'SIGN_IN_TOO_OLD');
    const { apiKeys: listed } = await api.get<{ apiKeys: ApiKey[] }>({ path: '/api-keys', token });
    assert.deepEqual(
      listed.map((key) => key.id),
      [id],
    );
  },

  'a key that may end an account does not': async ({ api }) => {
    const person = await signUp(api);
    const { secret } = await makeKey(api, person, ['profile:write']);
    await requireReason(api, withKey(secret, { method: 'DELETE', path: '/users/me' }), 403, 'FIRST_PARTY_ONLY');
  },

  'a revoked key, and what it was exchanged for, is refused everywhere within two seconds': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const { id, secret } = await makeKey(api, person);
    const jwt = await exchanged(world, secret);
    assert.equal((await api.call(feedBy(secret))).status, 200);
    const revoke: ApiRequest = { method: 'DELETE', path: `/api-keys/${id}`, token: person.accessToken };
    assert.equal((await api.call(revoke)).status, 204);
    await until('refused', () => requireEnded(world, secret, jwt).then(() => true), revocationMs);
    assert.equal((await api.call(revoke)).status, 204, 'again is the same');
    assert.equal((await api.call({ path: '/feed', token: person.accessToken })).status, 200);
  },

  'a rotated key works with both secrets; without an overlap the old one is refused everywhere': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const { id, secret } = await makeKey(api, person);
    const second = await rotate(api, person, id, { overlapSeconds: 300 });
    for (const each of [secret, second]) assert.equal((await api.call(feedBy(each))).status, 200);
    const jwt = await exchanged(world, secret);
    const third = await rotate(api, person, id, { overlapSeconds: 0 });
    for (const each of [secret, second]) {
      await until('refused', () => requireEnded(world, each, jwt).then(() => true), revocationMs);
    }
    assert.equal((await api.call(feedBy(third))).status, 200);
  },

  'auth killed while a key is revoked: whoever asks again is told when it is refused everywhere': async (world) => {
    const { api, kill } = world;
    const person = await signUp(api);
    const { id, secret } = await makeKey(api, person);
    const jwt = await exchanged(world, secret);
    const revoke: ApiRequest = { method: 'DELETE', path: `/api-keys/${id}`, token: person.accessToken };
    const cut = api.call(revoke).catch(() => undefined);
    await kill('auth');
    await cut;
    await until('it is answered', async () => (await api.call(revoke)).status === 204);
    await until('refused', () => requireEnded(world, secret, jwt).then(() => true), revocationMs);
  },

  'keys that were tampered with, borrowed, or sent beside a token are refused': async ({ api }) => {
    const [person, stranger] = [await signUp(api), await signUp(api)];
    const [{ secret }, { secret: other }] = [await makeKey(api, person), await makeKey(api, stranger)];
    const wrong = [
      `${secret.slice(0, 37)}${other.slice(37)}`,
      `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`,
      secret.toUpperCase(),
      `${secret},${secret}`,
      `${secret}\u00e9`,
      `' or 1=1 --`,
      'a'.repeat(8_000),
      '',
    ];
    for (const key of wrong) await requireReason(api, feedBy(key), 401, 'API_KEY_INVALID');
    await requireReason(api, withKey(wrong[0] ?? '', { path: '/feed/public' }), 401, 'API_KEY_INVALID');
    const both = [person.accessToken, stranger.accessToken, 'garbage', secret];
    for (const token of both) await requireReason(api, { ...feedBy(secret), token }, 400, 'CREDENTIALS_AMBIGUOUS');
    await requireReason(api, { path: '/feed', token: secret }, 401, 'TOKEN_INVALID');
    const forged = {
      'x-oxo-on-behalf-of': stranger.accessToken,
      'x-oxo-reason': 'x',
      'x-envoy-auth-headers-to-remove': 'a',
    };
    const me = withKey((await makeKey(api, person, ['profile:read'])).secret, { path: '/users/me', headers: forged });
    assert.equal((await api.get<{ user: { id: string } }>(me)).user.id, person.id);
  },

  'over gRPC a key is worth the same; sent straight to a service it is worth nothing': async (world) => {
    const { api, stack } = world;
    const { secret } = await makeKey(api, await signUp(api));
    const frontDoor = openStubs(stack, new URL(stack.urls.frontDoor).host);
    const services = openStubs(stack);
    const metadata = Metadata({ 'x-api-key': secret });
    try {
      assert.deepEqual((await frontDoor.feed.getFeed({}, { metadata })).items, []);
      const code = (call: Promise<unknown>) =>
        call.then(
          () => Status.OK,
          (error: { code: Status }) => error.code,
        );
      const wrong = Metadata({ 'x-api-key': `${secret}x` });
      assert.equal(await code(frontDoor.feed.getFeed({}, { metadata: wrong })), Status.UNAUTHENTICATED);
      assert.equal(await code(frontDoor.post.createPost({ text: 'x' }, { metadata })), Status.PERMISSION_DENIED);
      assert.equal(await code(services.feed.getFeed({}, { metadata })), Status.UNAUTHENTICATED);
      const asToken = Metadata({ authorization: `Bearer ${secret}` });
      assert.equal(await code(services.feed.getFeed({}, { metadata: asToken })), Status.UNAUTHENTICATED);
    } finally {
      for (const stubs of [frontDoor, services]) stubs.close();
    }
  },

  'the token of a key, sent straight to a service, is no more than the key': async (world) => {
    const { api, stack } = world;
    const person = await signUp(api);
    const jwt = await exchanged(world, (await makeKey(api, person)).secret);
    const stubs = openStubs(stack);
    const metadata = Metadata({ authorization: `Bearer ${jwt}` });
    try {
      assert.deepEqual((await stubs.feed.getFeed({}, { metadata })).items, []);
      await assert.rejects(stubs.post.createPost({ text: 'x' }, { metadata }), /PERMISSION_DENIED/);
      await assert.rejects(stubs.auth.logout({ all: true }, { metadata }), /PERMISSION_DENIED/);
      await assert.rejects(stubs.user.deleteMe({}, { metadata }), /PERMISSION_DENIED/);
      await assert.rejects(stubs.userInternal.resolveUser({ id: person.id }, { metadata }), /UNAUTHENTICATED/);
    } finally {
      stubs.close();
    }
    const answer = await api.call({ path: '/feed', token: jwt });
    assert.ok(!JSON.stringify([answer.headers, answer.body]).includes(jwt));
  },
};

import assert from 'node:assert/strict';
import { Metadata } from 'nice-grpc';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { type Api, type ApiRequest, refusal } from '../testing/client.ts';
import { logIn, type Person, signUp, type Tokens } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';

/** Revoked sessions are refused everywhere within this time. */
export const revocationMs = 2_000;

function refresh(refreshToken: string): ApiRequest {
  return { method: 'POST', path: '/auth/refresh', body: { refreshToken } };
}

async function renew(api: Api, refreshToken: string): Promise<Tokens> {
  return (await api.get<{ tokens: Tokens }>(refresh(refreshToken))).tokens;
}

function logOut(person: Person, body: object = {}): ApiRequest {
  return { method: 'POST', path: '/auth/logout', token: person.accessToken, body };
}

/** Something of every service that needs a session. */
function callsOf({ id, accessToken: token }: Person): ApiRequest[] {
  return [
    { path: '/users/me', token },
    { path: `/users/${id}`, token },
    { path: '/feed', token },
    { path: `/users/${id}/posts`, token },
    { method: 'POST', path: '/posts', token, body: { text: 'after the end' } },
    { method: 'POST', path: '/auth/logout', token, body: {} },
  ];
}

/** Every service refuses this person's token, at the front door and on its own port. */
export async function requireRevokedEverywhere(world: World, person: Person): Promise<void> {
  const { api, stack } = world;
  for (const request of callsOf(person)) {
    const error = await refusal(api, request);
    assert.deepEqual([error.status, error.reason], [401, 'SESSION_REVOKED'], request.path);
  }
  const stubs = openStubs(stack);
  try {
    const metadata = Metadata({ authorization: `Bearer ${person.accessToken}` });
    const direct = [
      stubs.user.getMe({}, { metadata }),
      stubs.post.createPost({ text: 'x', visibility: 0 }, { metadata }),
      stubs.feed.getFeed({}, { metadata }),
      stubs.auth.logout({ all: false }, { metadata }),
    ];
    await Promise.all(direct.map((call) => assert.rejects(call, /UNAUTHENTICATED/)));
  } finally {
    stubs.close();
  }
}

/** Refresh, sign-out, and that what ended is refused everywhere. */
export const sessions: Cases = {
  'a refresh gives a new pair; the token before works once more, then its reuse ends the session': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const second = await renew(api, person.refreshToken);
    assert.notEqual(second.refreshToken, person.refreshToken);
    await api.get({ path: '/feed', token: second.accessToken });
    const again = await renew(api, person.refreshToken);
    assert.equal(again.refreshToken, second.refreshToken, 'two tabs get the same one');
    const reused = await refusal(api, refresh(person.refreshToken));
    assert.deepEqual([reused.status, reused.reason], [401, 'REFRESH_TOKEN_REUSED']);
    const dead = await refusal(api, refresh(second.refreshToken));
    assert.equal(dead.status, 401);
    await until(
      'the access tokens are refused',
      async () => (await api.call({ path: '/feed', token: again.accessToken })).status === 401,
      revocationMs,
    );
    const other = await logIn(api, person);
    assert.equal((await api.call({ path: '/feed', token: other.accessToken })).status, 200, 'a new sign-in works');
  },

  'refreshes at the same moment give one new token, however many tabs': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const answers = await Promise.all([1, 2].map(() => renew(api, person.refreshToken)));
    assert.equal(new Set(answers.map(({ refreshToken }) => refreshToken)).size, 1);
    await renew(api, answers[0]?.refreshToken ?? '');
  },

  'who signs out is refused by every service within two seconds; other sessions go on': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const other = await logIn(api, person);
    for (const request of callsOf(person).slice(0, 4)) assert.equal((await api.call(request)).status, 200);
    const answer = await api.call(logOut(person));
    assert.deepEqual([answer.status, answer.body], [200, {}]);
    await until('all services refuse', () => requireRevokedEverywhere(world, person).then(() => true), revocationMs);
    assert.equal((await refusal(api, refresh(person.refreshToken))).reason, 'REFRESH_TOKEN_INVALID');
    for (const request of callsOf(other).slice(0, 4)) assert.equal((await api.call(request)).status, 200);
  },

  'who signs out everywhere is refused with every session': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const others = await Promise.all([1, 2].map(() => logIn(api, person)));
    const bystander = await signUp(api);
    await api.get(logOut(person, { all: true }));
    for (const session of [person, ...others]) {
      await until('refused', () => requireRevokedEverywhere(world, session).then(() => true), revocationMs);
      assert.equal((await refusal(api, refresh(session.refreshToken))).status, 401);
    }
    assert.equal((await api.call({ path: '/users/me', token: bystander.accessToken })).status, 200);
    const again = await logIn(api, person);
    assert.equal((await api.call({ path: '/users/me', token: again.accessToken })).status, 200);
  },

  'one sees the devices one is signed in on, and ends one of them from another': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const lost = await logIn(api, person);
    const [stranger, list] = [await signUp(api), { path: '/auth/sessions', token: person.accessToken }];
    type Listed = { sessions: { id: string; ip: string; current: boolean }[] };
    const { sessions: listed } = await api.get<Listed>(list);
    assert.deepEqual(
      listed.map(({ ip, current }) => [ip, current]),
      [
        ['127.0.0.1', false],
        ['127.0.0.1', true],
      ],
    );
    const revoke = (token: string): ApiRequest => {
      return { method: 'DELETE', path: `/auth/sessions/${listed[0]?.id}`, token };
    };
    assert.equal((await refusal(api, revoke(stranger.accessToken))).reason, 'SESSION_NOT_FOUND');
    assert.equal((await api.call({ path: '/users/me', token: lost.accessToken })).status, 200);
    for (const _ of [1, 2]) assert.equal((await api.call(revoke(person.accessToken))).status, 204);
    await until('refused', () => requireRevokedEverywhere(world, lost).then(() => true), revocationMs);
    assert.equal((await refusal(api, refresh(lost.refreshToken))).reason, 'REFRESH_TOKEN_INVALID');
    assert.equal((await api.get<Listed>(list)).sessions.length, 1);
  },

  'a service that is started again still refuses a session that ended before': async (world) => {
    const { api, kill } = world;
    const person = await signUp(api);
    await api.get(logOut(person));
    await Promise.all(['user', 'post', 'feed'].map(kill));
    await requireRevokedEverywhere(world, person);
    // Auth connects to the profiles anew when its time has come; what follows needs it.
    await until('somebody can register', () =>
      signUp(api).then(
        () => true,
        () => false,
      ),
    );
  },
};

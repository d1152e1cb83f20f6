import assert from 'node:assert/strict';
import { Metadata } from 'nice-grpc';
import { until } from '#kit/testing/until.ts';
import { signUpAdmin } from '../testing/admins.ts';
import type { Cases } from '../testing/cases.ts';
import { type Answer, type ApiRequest, refusal } from '../testing/client.ts';
import { newHandle, signUp, type Tokens, type User } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';

/** Wrong passwords that the stack of these tests lets strangers try at one account. */
export const guessesOfAccount = 20;

/** What differs from answer to answer whatever is asked. */
const ownOfEachAnswer = new Set(['date', 'x-request-id', 'x-envoy-upstream-service-time']);
const limits = /^(x-)?ratelimit-/;

/** An answer as somebody sees it who looks for differences: status, all headers, and the body without its request id. */
function seen({ status, headers, body }: Answer): unknown {
  const shown = Object.entries(headers).filter(([name]) => !ownOfEachAnswer.has(name) && !limits.test(name));
  const text = JSON.stringify(body).replaceAll(/"requestId":"[^"]*"/g, '');
  return { status, headers: Object.fromEntries(shown), text };
}

function login(identifier: string, password: string, deviceToken = ''): ApiRequest {
  return { method: 'POST', path: '/auth/login', body: { identifier, password, deviceToken } };
}

function register(fields: object): ApiRequest {
  const handle = newHandle();
  const right = { handle, email: `${handle}@oxo.example`, password: 'a walk in the rain 17', displayName: '' };
  return { method: 'POST', path: '/auth/register', body: { ...right, ...fields } };
}

/** Attacks on accounts and sessions. */
export const accounts: Cases = {
  'wording that tells whether an account exists': async (world) => {
    const { api } = world;
    const [person, gone] = [await signUp(api), await signUp(api)];
    await api.get({ method: 'DELETE', path: '/users/me', token: gone.accessToken });
    const wrong = 'a wrong password 17';
    const expected = seen(await api.call(login(newHandle(), wrong)));
    for (const [what, identifier, password] of [
      ['a wrong password', person.handle, wrong],
      ['the password of somebody else', person.handle, gone.password],
      ['a deleted account with its password', gone.handle, gone.password],
      ['an address of email', `${person.handle}@oxo.example`, person.password],
      ['an address of nobody', 'nobody@oxo.example', wrong],
    ] as const) {
      assert.deepEqual(seen(await api.call(login(identifier, password))), expected, what);
    }
  },

  'a registration that tells whether an email address is known': async ({ api }) => {
    const person = await signUp(api);
    const known = await api.call(register({ email: `${person.handle}@oxo.example` }));
    const fresh = await api.call(register({}));
    assert.deepEqual(
      [known.status, Object.keys(known.headers).sort()],
      [fresh.status, Object.keys(fresh.headers).sort()],
    );
    const names = ({ body }: Answer) => Object.keys((body as { user: object }).user).sort();
    assert.deepEqual(names(known), names(fresh));
  },

  'refresh reuse': async ({ api }) => {
    const victim = await signUp(api);
    const renew = (refreshToken: string): ApiRequest => ({
      method: 'POST',
      path: '/auth/refresh',
      body: { refreshToken },
    });
    const next = async (token: string) => (await api.get<{ tokens: Tokens }>(renew(token))).tokens;
    const second = await next(victim.refreshToken);
    const third = await next(second.refreshToken);
    assert.equal((await refusal(api, renew(victim.refreshToken))).reason, 'REFRESH_TOKEN_REUSED');
    for (const { refreshToken } of [second, third]) {
      assert.equal((await refusal(api, renew(refreshToken))).reason, 'REFRESH_TOKEN_INVALID');
    }
    for (const { accessToken: token } of [victim, second, third]) {
      await until('its tokens are refused', async () => {
        const answer = await api.call({ path: '/users/me', token });
        return answer.status === 401;
      });
    }
  },

  'session fixation: a session that somebody else has chosen': async (world) => {
    const [victim, attacker] = [await signUp(world.api), await signUp(world.api)];
    const planted = { sid: attacker.id, sessionId: attacker.id, refreshToken: attacker.refreshToken };
    const { user, tokens } = await world.api.get<{ user: User; tokens: Tokens }>({
      ...login(victim.handle, victim.password),
      body: { identifier: victim.handle, password: victim.password, ...planted },
      headers: { cookie: `session=${attacker.refreshToken}; oxo_oauth_session=planted`, 'x-session-id': attacker.id },
    });
    assert.equal(user.id, victim.id);
    assert.notEqual(tokens.refreshToken, attacker.refreshToken);
    const sessions = async (token: string) =>
      (await world.api.get<{ sessions: { id: string }[] }>({ path: '/auth/sessions', token })).sessions.map(
        ({ id }) => id,
      );
    const [own, others] = [await sessions(tokens.accessToken), await sessions(attacker.accessToken)];
    assert.equal(own.length, 2);
    assert.deepEqual(
      own.filter((id) => others.includes(id)),
      [],
    );
    // Nor does anybody end a session that is not theirs.
    const [id = ''] = own;
    const error = await refusal(world.api, {
      method: 'DELETE',
      path: `/auth/sessions/${id}`,
      token: attacker.accessToken,
    });
    assert.equal(error.reason, 'SESSION_NOT_FOUND');
  },

  'brute force over many networks: it ends, is in the audit log, and locks nobody out': async (world) => {
    const [person, admin] = [await signUp(world.api), await signUpAdmin(world)];
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    const { deviceToken } = await world.api.get<{ deviceToken: string }>({
      ...login(person.handle, person.password),
      ...from('192.0.2.77'),
    });
    const statuses: number[] = [];
    for (let number = 1; number <= guessesOfAccount + 5; number += 1) {
      const guess = login(person.handle, 'a wrong password 17');
      statuses.push((await world.api.call({ ...guess, ...from(`198.51.100.${number}`) })).status);
    }
    assert.equal(statuses[0], 401);
    assert.deepEqual(new Set(statuses.slice(guessesOfAccount)), new Set([429]), statuses.join());
    const right = { ...login(person.handle, person.password), ...from('198.51.100.250') };
    assert.equal((await world.api.call(right)).status, 429, 'the right password tells a stranger nothing then');
    const known = { ...login(person.handle, person.password, deviceToken), ...from('198.51.100.251') };
    assert.equal((await world.api.call(known)).status, 200, 'who has signed in on the device before comes in');
    const query = `accountId=${person.id}&outcome=REFUSED&pageSize=100`;
    await until('they are in the log', async () => {
      const { entries } = await world.api.get<{ entries: { action: string; network: string; details: object }[] }>({
        ...{ path: `/admin/audit-log?${query}`, token: admin.accessToken },
      });
      // Of each network one, and one of those that are too many.
      assert.ok(entries.length <= statuses.length + 1);
      assert.ok(!JSON.stringify(entries).includes('wrong password'));
      return entries.some(({ action, network }) => action === 'SIGN_IN' && network === '198.51.100.1');
    });
  },

  'a flood of sign-ins for others leaves those behind who flood': async (world) => {
    // Straight to the service: what the front door lets through is bounded there besides.
    const victim = await signUp(world.api);
    const stubs = openStubs(world.stack);
    const from = (address: string) => ({ metadata: Metadata({ 'x-forwarded-for': address }) });
    try {
      const flood = Array.from({ length: 120 }, () =>
        stubs.auth
          .login({ identifier: newHandle(), password: 'guess guess 1' }, from('203.0.113.99'))
          .catch(() => undefined),
      );
      const credentials = { identifier: victim.handle, password: victim.password };
      const { user } = await stubs.auth.login(credentials, from('198.51.100.200'));
      assert.equal(user?.id, victim.id);
      await Promise.all(flood);
    } finally {
      stubs.close();
    }
  },
};

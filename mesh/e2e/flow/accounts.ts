import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { follow, logIn, newHandle, signUp, signUpAll, type User, unfollow } from '../testing/people.ts';

/** Registration, sign-in, profiles, follows. */
export const accounts: Cases = {
  'who registers has a profile and can sign in': async (world) => {
    const { api } = world;
    const person = await signUp(api, 'nele');
    assert.match(person.handle, /^nele_/);
    const again = await logIn(api, { ...person, handle: person.handle.toUpperCase() });
    const me = await api.get<{ user: User }>({ path: '/users/me', token: again.accessToken });
    assert.equal(me.user.id, person.id);
    assert.equal(me.user.displayName, person.displayName);
    assert.deepEqual([me.user.followersCount, me.user.followingCount], [0, 0]);
  },

  'a handle belongs to one, and an email address is not told': async (world) => {
    const { api } = world;
    const handle = newHandle();
    const email = `${handle}@oxo.example`;
    const register = { method: 'POST', path: '/auth/register' } as const;
    const body = { handle, email, password: 'a password of mine', displayName: '' };
    const answers = await Promise.all(Array.from({ length: 4 }, () => api.call({ ...register, body })));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, 409, 409, 409]);
    const error = await refusal(api, { ...register, body });
    assert.deepEqual([error.status, error.reason], [409, 'HANDLE_TAKEN']);
    const second = await api.call({ ...register, body: { ...body, handle: newHandle() } });
    assert.equal(second.status, 201, 'the same address again');
  },

  'a wrong password and an unknown handle are refused alike': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const login = { method: 'POST', path: '/auth/login' } as const;
    const wrong = [
      { identifier: person.handle, password: `${person.password}x` },
      { identifier: newHandle(), password: person.password },
      { identifier: `${person.handle}@oxo.example`, password: person.password },
    ];
    const answers = await Promise.all(wrong.map((body) => refusal(api, { ...login, body })));
    for (const { status, reason } of answers) assert.deepEqual([status, reason], [401, 'CREDENTIALS_INVALID']);
    assert.equal(new Set(answers.map(({ message }) => message)).size, 1);
  },

  'a profile is changed field by field and found by id and by handle': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const patch = async (body: object): Promise<User> =>
      (await api.get<{ user: User }>({ method: 'PATCH', path: '/users/me', token: person.accessToken, body })).user;
    const links = ['https://oxo.example/a', 'http://oxo.example'];
    const full = { displayName: 'Nele', bio: 'Writes. 📚', links, location: 'Huế', locale: 'vi' };
    const changed = await patch(full);
    assert.deepEqual({ ...changed, ...full }, changed);
    const cleared = await patch({ bio: '', links: [] });
    assert.deepEqual([cleared.bio, cleared.links, cleared.displayName], ['', [], 'Nele']);
    assert.deepEqual(await patch({}), cleared);
    assert.deepEqual(await patch({ unknownField: 1 }), cleared, 'unknown fields of bodies are ignored');

    const { relationship: _, ...expected } = cleared;
    for (const path of [`/users/${person.id}`, `/users/by-handle/${person.handle.toUpperCase()}`]) {
      const found = await api.get<{ user: User }>({ path });
      assert.deepEqual(found.user, expected, path);
    }
    const missing = await refusal(api, { path: `/users/by-handle/${newHandle()}` });
    assert.deepEqual([missing.status, missing.reason], [404, 'USER_NOT_FOUND']);
  },

  'follows are counted and shown from both sides, however often they are repeated': async (world) => {
    const { api } = world;
    const [one, other] = await signUpAll(api, 2);
    assert(one && other);
    const see = async (viewer: typeof one, id: string): Promise<User> =>
      (await api.get<{ user: User }>({ path: `/users/${id}`, token: viewer.accessToken })).user;
    await Promise.all(Array.from({ length: 4 }, () => follow(api, one, other)));
    const [theirs, mine] = [await see(one, other.id), await see(other, one.id)];
    assert.deepEqual(theirs.relationship, { following: true, followedBy: false });
    assert.deepEqual(mine.relationship, { following: false, followedBy: true });
    assert.deepEqual([theirs.followersCount, mine.followingCount], [1, 1]);
    const back = { method: 'PUT', path: `/users/${one.id}/follow`, token: other.accessToken } as const;
    assert.deepEqual(await api.get(back), { relationship: { following: true, followedBy: true } });
    await Promise.all(Array.from({ length: 4 }, () => unfollow(api, one, other)));
    assert.equal((await see(one, other.id)).followersCount, 0);
    assert.deepEqual((await see(one, other.id)).relationship, { following: false, followedBy: true });
  },

  'the statuses are those of the contract, and the contract is served': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const token = person.accessToken;
    const created = await api.call({ method: 'POST', path: '/posts', token, body: { text: 'status' } });
    const { post } = created.body as { post: { id: string } };
    const other = await signUp(api);
    const followPath = `/users/${other.id}/follow`;
    const statuses = [
      created.status,
      (await api.call({ path: `/posts/${post.id}`, token })).status,
      (await api.call({ method: 'PATCH', path: `/posts/${post.id}`, token, body: { text: 'new' } })).status,
      (await api.call({ method: 'DELETE', path: `/posts/${post.id}`, token })).status,
      (await api.call({ method: 'PUT', path: followPath, token })).status,
      (await api.call({ method: 'DELETE', path: followPath, token })).status,
      (await api.call({ method: 'DELETE', path: followPath, token })).status,
    ];
    assert.deepEqual(statuses, [201, 200, 200, 204, 200, 204, 204]);
    const jwks = await api.get<{ keys: Record<string, string>[] }>({ path: '///.well-known/jwks.json'.slice(1) });
    assert.deepEqual(Object.keys(jwks.keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
  },
};

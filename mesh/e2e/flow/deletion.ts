import assert from 'node:assert/strict';
import { DAY_MS } from '#kit/clock.ts';
import { until } from '#kit/testing/until.ts';
import type { Stack } from '../../local/stack/stack.ts';
import type { Cases } from '../testing/cases.ts';
import { type Api, type ApiRequest, refusal } from '../testing/client.ts';
import { openForge } from '../testing/credentials.ts';
import { inDatabase } from '../testing/database.ts';
import {
  edit,
  feedTexts,
  follow,
  logIn,
  type Person,
  type Post,
  post,
  remove,
  signUpAll,
  type User,
} from '../testing/people.ts';
import { rowsWith } from '../testing/tables.ts';
import { requireRevokedEverywhere, revocationMs } from './sessions.ts';

const deleteMe = (token: string): ApiRequest => ({ method: 'DELETE', path: '/users/me', token });

async function requireNotFound(api: Api, request: ApiRequest, reason: string): Promise<void> {
  const error = await refusal(api, request);
  assert.deepEqual([error.status, error.reason], [404, reason], request.path);
}

async function countsOf(api: Api, { id }: Person): Promise<[followers: number, following: number]> {
  const { user } = await api.get<{ user: User }>({ path: `/users/${id}` });
  return [user.followersCount, user.followingCount];
}

/** Whoever deletes their account, and what is left of it. */
export const deletion: Cases = {
  'once it is answered, the person is gone from every answer of every service': async (world) => {
    const { api } = world;
    const [leaving, friend, viewer] = await signUpAll(api, 3);
    assert(leaving && friend && viewer);
    const elsewhere = await logIn(api, leaving);
    for (const [from, to] of [
      [leaving, friend],
      [friend, leaving],
      [viewer, leaving],
      [viewer, friend],
    ] as const) {
      await follow(api, from, to);
    }
    const written = await post(api, leaving, 'of who leaves');
    const closed = await post(api, leaving, 'for followers', 'FOLLOWERS');
    await post(api, friend, 'of who stays');
    await until('the feed has all', async () => (await feedTexts(api, viewer)).length === 3);

    const answer = await api.call(deleteMe(leaving.accessToken));
    assert.equal(answer.status, 204);
    const { accessToken: token } = viewer;
    assert.deepEqual(await feedTexts(api, viewer), ['of who stays']);
    for (const path of ['', '/followers', '/following', '/posts']) {
      await requireNotFound(api, { path: `/users/${leaving.id}${path}` }, 'USER_NOT_FOUND');
    }
    await requireNotFound(api, { path: `/users/by-handle/${leaving.handle}`, token }, 'USER_NOT_FOUND');
    await requireNotFound(api, { method: 'PUT', path: `/users/${leaving.id}/follow`, token }, 'USER_NOT_FOUND');
    for (const { id } of [written, closed]) {
      await requireNotFound(api, { path: `/posts/${id}`, token }, 'POST_NOT_FOUND');
      await requireNotFound(api, { method: 'DELETE', path: `/posts/${id}`, token }, 'POST_NOT_FOUND');
    }
    assert.deepEqual(await countsOf(api, friend), [1, 0]);
    const { users } = await api.get<{ users: User[] }>({ path: `/users/${friend.id}/followers` });
    assert.deepEqual(
      users.map(({ id }) => id),
      [viewer.id],
    );

    for (const session of [leaving, elsewhere]) {
      await until('refused', () => requireRevokedEverywhere(world, session).then(() => true), revocationMs);
      const refresh = { method: 'POST', path: '/auth/refresh', body: { refreshToken: session.refreshToken } } as const;
      assert.equal((await refusal(api, refresh)).reason, 'REFRESH_TOKEN_INVALID');
      assert.equal((await refusal(api, deleteMe(session.accessToken))).reason, 'SESSION_REVOKED');
    }
    const login = {
      method: 'POST',
      path: '/auth/login',
      body: { identifier: leaving.handle, password: leaving.password },
    } as const;
    assert.equal((await refusal(api, login)).reason, 'CREDENTIALS_INVALID');
    const body = { handle: leaving.handle, email: `x_${leaving.handle}@oxo.example`, password: leaving.password };
    assert.equal((await refusal(api, { method: 'POST', path: '/auth/register', body })).reason, 'HANDLE_TAKEN');
  },

  'a token of a sign-in that is long ago deletes nobody': async (world) => {
    const { api, stack } = world;
    const [person] = await signUpAll(api, 1);
    assert(person);
    const forge = await openForge(stack);
    const longAgo = Math.floor(Date.now() / 1_000) - 901;
    for (const auth_time of [longAgo, undefined]) {
      const error = await refusal(api, deleteMe(await forge.sign(forge.claims(person.id, { auth_time }))));
      assert.deepEqual([error.status, error.reason], [401, 'SIGN_IN_TOO_OLD']);
    }
    assert.deepEqual(await countsOf(api, person), [0, 0]);
    assert.equal((await api.call(deleteMe((await logIn(api, person)).accessToken))).status, 204);
  },

  'every service erases what it holds; what is left is that it was erased': async (world) => {
    const { api, stack } = world;
    const [leaving, friend] = await signUpAll(api, 2);
    assert(leaving && friend);
    const token = leaving.accessToken;
    const bio = `the bio of ${leaving.handle}`;
    await api.get({ method: 'PATCH', path: '/users/me', token, body: { bio, links: [], location: bio } });
    await follow(api, leaving, friend);
    await follow(api, friend, leaving);
    const written = await post(api, leaving, `a text of ${leaving.handle}`);
    await edit(api, leaving, written, { text: `another text of ${leaving.handle}` });
    const body = { text: `a text with a key of ${leaving.handle}` };
    const headers = { 'idempotency-key': `a key of ${leaving.handle}` };
    await api.get({ method: 'POST', path: '/posts', token, body, headers });
    await remove(api, leaving, await post(api, leaving, `a deleted text of ${leaving.handle}`));
    const mention = await post(api, friend, `hello @${leaving.handle}`);
    await feedTexts(api, leaving);
    const held = await rowsWith(stack, [leaving.handle, leaving.id]);
    for (const table of [
      'accounts',
      'mails',
      'sessions',
      'users',
      'follows',
      'posts',
      'post_revisions',
      'idempotency_keys',
      'deleted_posts',
    ]) {
      assert.ok(
        held.some((row) => row.includes(`.${table}: `)),
        table,
      );
    }

    assert.equal((await api.call(deleteMe(token))).status, 204);
    const handleKept = (row: string) => row.startsWith('users.deletions: ') && row.includes(leaving.handle);
    const confirmed = (row: string) => row.startsWith('users.erasure_confirmations: ');
    const left = await until('only the handle and the confirmations are left', async () => {
      const rows = await rowsWith(stack, [leaving.handle, leaving.id]);
      const others = rows.filter((row) => !row.includes(mention.id));
      return others.every((row) => handleKept(row) || confirmed(row)) && others.length === 4 && others;
    });
    for (const service of ['auth', 'post', 'feed'])
      assert.ok(
        left.some((row) => confirmed(row) && row.includes(service)),
        service,
      );
    const found = await api.get<{ post: Post & { entities?: { mention?: { userId: string } }[] } }>({
      path: `/posts/${mention.id}`,
    });
    assert.equal(found.post.text, `hello @${leaving.handle}`, 'what others wrote is theirs');

    await passDays(stack, 15);
    await until('the handle is a hash', async () =>
      (await rowsWith(stack, [leaving.handle])).every((row) => row.includes(mention.id)),
    );
    const again = { handle: leaving.handle, email: `again_${leaving.handle}@oxo.example`, password: leaving.password };
    const taken = await refusal(api, { method: 'POST', path: '/auth/register', body: again });
    assert.equal(taken.reason, 'HANDLE_TAKEN', 'nobody is taken for somebody who has left');
    await world.settled();
  },
};

/** As if all deletions were so much longer ago. */
async function passDays({ urls }: Stack, days: number): Promise<void> {
  await inDatabase(urls.database, (client) =>
    client.query('update users.deletions set deleted_at_ms = deleted_at_ms - $1::bigint', [days * DAY_MS]),
  );
}

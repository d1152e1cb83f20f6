import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { type ApiRequest, refusal } from '../testing/client.ts';
import { inDatabase } from '../testing/database.ts';
import { logIn, type Person, post, signUp, type User } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

export const sql = [
  `' or '1'='1`,
  `'; drop table auth.accounts cascade; --`,
  `x' union select password_hash from auth.accounts --`,
  `\\'; select pg_sleep(5); --`,
  `$$; delete from posts.posts; $$`,
  `%' ; truncate users.users; --`,
];

/** How many rows there are of what an injection would take away. */
function countRows({ stack }: World): Promise<unknown> {
  return inDatabase(stack.urls.database, async (client) => {
    const { rows } = await client.query(
      `select (select count(*) from auth.accounts) as accounts, (select count(*) from users.users) as users,
        (select count(*) from posts.posts) as posts`,
    );
    return rows[0];
  });
}

function placesOf(text: string, { accessToken: token, id }: Person): ApiRequest[] {
  const inPath = encodeURIComponent(text);
  return [
    { method: 'POST', path: '/auth/login', body: { identifier: text, password: text } },
    { method: 'POST', path: '/auth/refresh', body: { refreshToken: text } },
    { method: 'POST', path: '/auth/register', body: { handle: text, email: text, password: 'x', displayName: '' } },
    { method: 'DELETE', path: `/auth/sessions/${inPath}`, token },
    { path: `/users/${inPath}` },
    { path: `/users/by-handle/${inPath}` },
    { path: `/posts/${inPath}` },
    { path: `/users/${id}/posts?pageToken=${inPath}` },
    { path: `/feed?pageToken=${inPath}`, token },
    { path: `/feed?sinceId=${inPath}`, token },
    { path: `/admin/audit-log?accountId=${inPath}`, token },
  ];
}

/** What is data stays data. */
export const injection: Cases = {
  'SQL injection': async (world) => {
    const person = await signUp(world.api);
    await post(world.api, person, 'stays');
    const before = await countRows(world);
    for (const text of sql) {
      for (const request of placesOf(text, person)) {
        const { status } = await refusal(world.api, request);
        assert.ok(status >= 400 && status < 500, `${request.path} answered ${status}`);
      }
    }
    assert.deepEqual(await countRows(world), before);
    for (const text of sql) {
      const { user } = await world.api.get<{ user: User }>({
        ...{ method: 'PATCH', path: '/users/me', token: person.accessToken, body: { bio: text, displayName: text } },
      });
      assert.deepEqual([user.bio, user.displayName], [text, text]);
      assert.equal((await post(world.api, person, text)).text, text);
    }
  },

  'SQL in headers that are kept: user agent, address, keys, request id': async (world) => {
    const person = await signUp(world.api);
    for (const text of sql) {
      const credentials = { identifier: person.handle, password: person.password };
      const { tokens } = await world.api.get<{ tokens: { accessToken: string } }>({
        ...{ method: 'POST', path: '/auth/login', body: credentials },
        headers: { 'user-agent': text, 'x-forwarded-for': text, 'x-request-id': text },
      });
      const token = tokens.accessToken;
      const { sessions } = await world.api.get<{ sessions: { device: string; ip: string; current: boolean }[] }>({
        ...{ path: '/auth/sessions', token },
      });
      const current = sessions.find((session) => session.current);
      assert.equal(current?.device, text);
      assert.match(current?.ip ?? '', /^[\d.:a-f]*$/);
      const body = { text: 'with a key' };
      await world.api.get({ method: 'POST', path: '/posts', token, body, headers: { 'idempotency-key': text } });
    }
    const before = await countRows(world);
    await logIn(world.api, person);
    assert.deepEqual(await countRows(world), before);
  },

  'header injection': async (world) => {
    const person = await signUp(world.api);
    const breaks = [
      '%0d%0aset-cookie:%20planted=1',
      '%0aset-cookie:%20planted=1',
      '%E5%98%8A%E5%98%8Dset-cookie:%20planted=1',
    ];
    const state = (text: string) =>
      `//oauth/authorize?response_type=code&client_id=${text}&redirect_uri=https://app.example/${text}&state=${text}`;
    for (const text of breaks) {
      for (const path of [
        `/users/by-handle/${text}`,
        `/users/${person.id}/posts?pageToken=${text}`,
        `/posts/${text}`,
      ]) {
        const { headers, status } = await world.api.call({ path });
        assert.ok(status >= 400 && status < 500, `${path} answered ${status}`);
        assert.equal(headers['set-cookie'], undefined, path);
      }
      const answer = await fetch(new URL(state(text).slice(1), world.stack.urls.frontDoor), { redirect: 'manual' });
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      assert.ok(!(answer.headers.get('set-cookie') ?? '').includes('planted'));
    }
    // What is given back in a header is given back only when it is of one form.
    for (const id of ['a b', 'a"b', '<script>', 'a'.repeat(65), 'ä']) {
      const { headers } = await world.api.call({ path: '/feed/public', headers: { 'x-request-id': id } });
      assert.match(headers['x-request-id'] ?? '', /^[A-Za-z0-9_-]{1,64}$/);
      assert.notEqual(headers['x-request-id'], id);
    }
  },

  'over-long everything': async (world) => {
    const { accessToken: token } = await signUp(world.api);
    const long = 'a'.repeat(100_000);
    const api: [what: string, request: ApiRequest][] = [
      ['a path', { path: `/users/by-handle/${long}` }],
      ['a query', { path: `/feed/public?pageToken=${long}` }],
      ['an authorization', { path: '/users/me', token: long }],
      ['a key', { path: '/users/me', headers: { 'x-api-key': long } }],
      ['a cookie', { path: '/users/me', token, headers: { cookie: `a=${long}` } }],
      ['a user agent', { path: '/users/me', token, headers: { 'user-agent': long } }],
      ['a body', { method: 'POST', path: '/posts', token, body: { text: long } }],
      [
        'a password',
        { method: 'POST', path: '/auth/login', body: { identifier: 'a', password: long.slice(0, 60_000) } },
      ],
      ['a refresh token', { method: 'POST', path: '/auth/refresh', body: { refreshToken: long.slice(0, 60_000) } }],
      [
        'many headers',
        {
          path: '/users/me',
          token,
          headers: Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`x-a${n}`, 'a'])),
        },
      ],
    ];
    for (const [what, request] of api) {
      const { status, reason } = await refusal(world.api, request);
      assert.ok([400, 401, 404, 413, 431].includes(status), `${what}: ${status} ${reason}`);
      assert.notEqual(reason, '', what);
    }
    const frontDoor = world.stack.urls.frontDoor;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const json = { 'content-type': 'application/json' };
    const oauth: [what: string, path: string, init: RequestInit][] = [
      ['a state', `/oauth/authorize?state=${long}`, {}],
      [
        'a token',
        '/oauth/token',
        { method: 'POST', headers: form, body: `grant_type=refresh_token&refresh_token=${long}` },
      ],
      ['many parameters', '/oauth/token', { method: 'POST', headers: form, body: 'a=1&'.repeat(12_000) }],
      ['a client', '/oauth/register', { method: 'POST', headers: json, body: JSON.stringify({ client_name: long }) }],
      [
        'many addresses',
        '/oauth/register',
        {
          method: 'POST',
          headers: json,
          body: JSON.stringify({ redirect_uris: Array.from({ length: 1_000 }, (_, n) => `https://a.example/${n}`) }),
        },
      ],
      [
        'a name',
        '/oauth/register',
        {
          method: 'POST',
          headers: json,
          body: JSON.stringify({ client_name: 'a'.repeat(101), redirect_uris: ['https://a.example/'] }),
        },
      ],
      [
        'Basic credentials',
        '/oauth/token',
        {
          method: 'POST',
          headers: { ...form, authorization: `Basic ${Buffer.from(`${'a'.repeat(5_000)}:b`).toString('base64')}` },
          body: 'grant_type=client_credentials',
        },
      ],
    ];
    for (const [what, path, init] of oauth) {
      const { status } = await fetch(new URL(path, frontDoor), init);
      assert.ok(status >= 400 && status < 500, `${what}: ${status}`);
    }
  },
};

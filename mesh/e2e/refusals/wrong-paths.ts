import type { ApiRequest } from '../testing/client.ts';
import { type Cast, everyCall, MALFORMED, type Refused, VALIDATION } from './refused.ts';

/** Query parameters that the contract does not have, on every RPC; wrong ones on the lists. */
export function wrongQueries(cast: Cast): Refused[] {
  const unknown = Object.entries(everyCall(cast)).flatMap(([rpc, request]) =>
    ['nope', 'page_Size', 'text', '$fields'].map((field) => ({
      what: `${rpc}: ?${field}=1`,
      request: { ...request, path: `${request.path}?${field}=1` },
      ...MALFORMED,
    })),
  );
  const lists = [
    { path: '/feed', token: cast.me.accessToken },
    { path: `/users/${cast.me.id}/posts`, token: cast.me.accessToken },
  ];
  const onList = (query: string, expected: object, field?: string) =>
    lists.map((request) => ({
      what: `GET ${request.path}?${query}`.slice(0, 120),
      request: { ...request, path: `${request.path}?${query}` },
      ...(expected as typeof MALFORMED),
      field,
    }));
  return [
    ...unknown,
    ...['abc', '1.5', '99999999999', '1e99', 'true'].flatMap((size) =>
      onList(`pageSize=${size}`, MALFORMED, 'pageSize'),
    ),
    ...['-1', '-2147483648'].flatMap((size) => onList(`pageSize=${size}`, VALIDATION, 'pageSize')),
    ...onList(`pageToken=${'a'.repeat(600)}`, VALIDATION, 'pageToken'),
    ...['x', '%00', 'AAAA', 'bnVsbA', 'W10', '%F0%9F%91%8B', '%ff%fe'].flatMap((token) =>
      onList(`pageToken=${token}`, { status: 400, reason: 'PAGE_TOKEN_INVALID' }, 'pageToken'),
    ),
  ];
}

/** Ids that are none, wherever one stands in a path; oneself; others' posts. */
export function wrongIds(cast: Cast): Refused[] {
  const { me, theirPost } = cast;
  const token = me.accessToken;
  const bad = [
    '1',
    'x',
    me.id.toUpperCase(),
    `${me.id}0`,
    me.id.replaceAll('-', ''),
    "'%20or%201=1",
    '%F0%9F%91%8B',
    '%ff',
    '-',
  ];
  const paths: readonly (readonly [NonNullable<ApiRequest['method']>, (id: string) => string, string])[] = [
    ['GET', (id) => `/users/${id}`, 'id'],
    ['PUT', (id) => `/users/${id}/follow`, 'id'],
    ['DELETE', (id) => `/users/${id}/follow`, 'id'],
    ['GET', (id) => `/users/${id}/posts`, 'userId'],
    ['GET', (id) => `/posts/${id}`, 'id'],
    ['PATCH', (id) => `/posts/${id}`, 'id'],
    ['DELETE', (id) => `/posts/${id}`, 'id'],
  ];
  const body = (method: string): object => (method === 'PATCH' ? { body: { text: 'mine now' } } : {});
  const missing = '01890000-0000-7000-8000-00000000dead';
  const self = { status: 400, reason: 'SELF_FOLLOW', field: 'id' };
  return [
    ...paths.flatMap(([method, path, field]) => [
      ...bad.map((id) => ({
        what: `${method} ${path(id)}`,
        request: { method, path: path(id), token, ...body(method) },
        ...VALIDATION,
        field,
      })),
      ...['%00', 'a%2fb', 'a%00'].map((id) => ({
        what: `${method} ${path(id)}`,
        request: { method, path: path(id), token, ...body(method) },
        ...MALFORMED,
      })),
      {
        what: `${method} ${path(missing)}`,
        request: { method, path: path(missing), token, ...body(method) },
        status: 404,
        reason: path('').startsWith('/users') ? 'USER_NOT_FOUND' : 'POST_NOT_FOUND',
      },
    ]),
    { what: 'me without a token', request: { path: '/users/me/posts' }, ...VALIDATION, field: 'userId' },
    { what: 'to follow oneself', request: { method: 'PUT', path: `/users/${me.id}/follow`, token }, ...self },
    ...['PATCH', 'DELETE'].map((method) => ({
      what: `${method} of another's post`,
      request: { method: method as 'PATCH', path: `/posts/${theirPost.id}`, token, ...body(method) },
      status: 403,
      reason: 'NOT_AUTHOR',
    })),
    {
      what: 'an Idempotency-Key of 256 characters',
      request: {
        method: 'POST',
        path: '/posts',
        token,
        body: { text: 'a' },
        headers: { 'idempotency-key': 'k'.repeat(256) },
      },
      ...VALIDATION,
      field: 'Idempotency-Key',
    },
  ];
}

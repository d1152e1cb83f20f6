import { conditionalRpcs, idPlaces, keyedRpcs, pagedRpcs } from './contracts.ts';
import { type Cast, everyCall, MALFORMED, type Refused, unknownId, VALIDATION } from './refused.ts';

/** Query parameters that the contract does not have, on every RPC; wrong ones on the lists. */
export function wrongQueries(cast: Cast): Refused[] {
  const unknown = Object.entries(everyCall(cast)).flatMap(([rpc, request]) =>
    ['nope', 'page_Size', 'text', '$fields'].map((field) => ({
      what: `${rpc}: ?${field}=1`,
      request: { ...request, path: `${request.path}?${field}=1` },
      ...MALFORMED,
    })),
  );
  const token = cast.me.accessToken;
  const lists = Object.entries(everyCall(cast)).flatMap(([rpc, request]) =>
    pagedRpcs.has(rpc) ? [{ ...request, token }] : [],
  );
  const onList = (query: string, expected: object, field?: string) =>
    lists.map((request) => ({
      what: `GET ${request.path}?${query}`.slice(0, 120),
      request: { ...request, path: `${request.path}?${query}` },
      ...(expected as typeof MALFORMED),
      field,
    }));
  const feed = (query: string) => ({
    what: `GET /feed?${query}`.slice(0, 120),
    request: { path: `/feed?${query}`, token },
    ...VALIDATION,
    field: 'sinceId',
  });
  const wrongSinceIds = ['x', '%00', 'AAAA', 'bnVsbA', 'W10', `${cast.myPost.id}0`, 'a'.repeat(600)];
  return [
    ...unknown,
    ...wrongSinceIds.map((sinceId) => feed(`sinceId=${sinceId}`)),
    feed(`sinceId=${cast.myPost.id}&pageToken=AAAA`),
    ...['abc', '1.5', '99999999999', '1e99', 'true'].flatMap((size) =>
      onList(`pageSize=${size}`, MALFORMED, 'pageSize'),
    ),
    ...['-1', '-2147483648'].flatMap((size) => onList(`pageSize=${size}`, VALIDATION, 'pageSize')),
    ...onList('pageToken=%ff%fe', MALFORMED),
    ...onList(`pageToken=${'a'.repeat(600)}`, VALIDATION, 'pageToken'),
    ...['x', '%00', 'AAAA', 'bnVsbA', 'W10', '%F0%9F%91%8B'].flatMap((token) =>
      onList(`pageToken=${token}`, { status: 400, reason: 'PAGE_TOKEN_INVALID' }, 'pageToken'),
    ),
  ];
}

/** What is missing behind an id, by the path in which it stands; the first that fits. */
const notFound: readonly (readonly [prefix: string, reason: string])[] = [
  ['/users', 'USER_NOT_FOUND'],
  ['/auth/sessions', 'SESSION_NOT_FOUND'],
  ['/auth/passkeys', 'PASSKEY_NOT_FOUND'],
  ['/api-keys', 'API_KEY_NOT_FOUND'],
  ['/posts', 'POST_NOT_FOUND'],
];

function whatIsMissing(path: string): string {
  const found = notFound.find(([prefix]) => path.startsWith(prefix));
  if (found === undefined) throw new Error(`say in notFound what is missing behind an id of ${path}`);
  return found[1];
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
    '-',
  ];
  const calls = everyCall(cast);
  const self = { status: 400, reason: 'SELF_FOLLOW', field: 'id' };
  return [
    ...idPlaces.flatMap(({ rpc, withId, field }) => {
      const called = calls[rpc]?.path ?? '';
      const path = (id: string): string => withId(called, id);
      const refuse = (id: string, expected: typeof VALIDATION, wrong?: string): Refused => ({
        what: `${rpc}: ${path(id)}`,
        request: { ...calls[rpc], path: path(id), token },
        ...expected,
        field: wrong,
      });
      return [
        ...bad.map((id) => refuse(id, VALIDATION, field)),
        ...['%00', 'a%2fb', 'a%00', '%ff'].map((id) => refuse(id, MALFORMED)),
        refuse(unknownId, { status: 404, reason: whatIsMissing(called) }),
      ];
    }),
    { what: 'me without a token', request: { path: '/users/me/posts' }, ...VALIDATION, field: 'userId' },
    { what: 'to follow oneself', request: { method: 'PUT', path: `/users/${me.id}/follow`, token }, ...self },
    ...['UpdatePost', 'DeletePost'].map((rpc) => ({
      what: `${rpc}: another's post`,
      request: { ...calls[rpc], path: `/posts/${theirPost.id}`, token },
      status: 403,
      reason: 'NOT_AUTHOR',
    })),
  ];
}

const STALE = { status: 409, reason: 'ETAG_MISMATCH' };

/** Headers that a service would not see as they were sent, or not at all: a retry would post twice, a token be none. */
export function wrongHeaders(cast: Cast): Refused[] {
  const calls = everyCall(cast);
  const withHeader = (
    rpcs: ReadonlySet<string>,
    field: string,
    value: string,
    expected: typeof VALIDATION,
  ): Refused[] =>
    [...rpcs].map((rpc) => ({
      what: `${rpc} with ${field}: ${value.slice(0, 20)}`,
      request: { path: '', ...calls[rpc], headers: { [field]: value } },
      ...expected,
      field: expected === STALE ? undefined : field,
    }));
  return [
    ...withHeader(keyedRpcs, 'Idempotency-Key', 'k'.repeat(256), VALIDATION),
    ...withHeader(keyedRpcs, 'Idempotency-Key', 'a\tb', MALFORMED),
    ...withHeader(keyedRpcs, 'Idempotency-Key', 'caf\xe9', MALFORMED),
    ...withHeader(conditionalRpcs, 'If-Match', 'unquoted', VALIDATION),
    ...withHeader(conditionalRpcs, 'If-Match', '"caf\xe9"', MALFORMED),
    ...['"another"', `W/${cast.myPost.etag}`, `W/${cast.me.etag}`].flatMap((etag) =>
      withHeader(conditionalRpcs, 'If-Match', etag, STALE),
    ),
    ...Object.entries(calls).map(([rpc, request]) => ({
      what: `${rpc} with a tab in the Authorization header`,
      request: { ...request, token: undefined, headers: { authorization: `Bearer\t${cast.me.accessToken}` } },
      ...MALFORMED,
      field: 'Authorization',
    })),
  ];
}

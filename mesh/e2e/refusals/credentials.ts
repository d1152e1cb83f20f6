import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ClientError, Metadata, Status } from 'nice-grpc';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { type Forge, openForge } from '../testing/credentials.ts';
import { logIn, type User } from '../testing/people.ts';
import { openStubs, type Stubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';
import { makeCast, requireRefused } from './bad-input.ts';
import { closedTo, openRpcs, scopedRpcs } from './contracts.ts';
import { everyCall, type Refused } from './refused.ts';

const INVALID = { status: 401, reason: 'TOKEN_INVALID' };

/** Tokens that nobody may get in with, by what is wrong with them. */
async function wrongTokens(world: World, forge: Forge, userId: string): Promise<Record<string, string>> {
  const right = forge.claims(userId);
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const signed = await forge.sign(right);
  const [header, , signature] = signed.split('.');
  const elsewhere = Buffer.from(JSON.stringify(forge.claims(randomUUID()))).toString('base64url');
  return {
    garbage: 'garbage',
    'expired a minute ago': await forge.sign({ ...right, iat: nowSeconds - 960, exp: nowSeconds - 60 }),
    'without an expiry': await forge.sign({ ...right, exp: undefined }),
    'alg none': forge.unsigned(right),
    'HS256 with the public key': forge.confused(right),
    'of another issuer': await forge.sign({ ...right, iss: 'https://elsewhere.example' }),
    'for another audience': await forge.sign({ ...right, aud: 'oxo-internal' }),
    'signed, with another payload': `${header}.${elsewhere}.${signature}`,
    'an unknown key id': await forge.sign(right, { kid: 'unknown' }),
    "a service's": await serviceToken(world, 'feed'),
  };
}

async function serviceToken({ stack }: World, service: string): Promise<string> {
  const stubs = openStubs(stack);
  try {
    const clientSecret = stack.secrets.services[service]?.service ?? '';
    return (await stubs.authInternal.issueServiceToken({ clientId: service, clientSecret })).accessToken;
  } finally {
    stubs.close();
  }
}

async function withStubs(world: World, address: string | undefined, work: (stubs: Stubs) => Promise<void>) {
  const stubs = openStubs(world.stack, address);
  try {
    await work(stubs);
  } finally {
    stubs.close();
  }
}

function metadataOf(token: string | undefined, onBehalfOf?: string) {
  const metadata = Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  if (onBehalfOf !== undefined) metadata.set('x-oxo-on-behalf-of', onBehalfOf);
  return { metadata };
}

type Options = ReturnType<typeof metadataOf>;

/** Every internal RPC but the one that gives tokens, which is open to those who know a secret. */
export function internalCalls(stubs: Stubs, id: string): Record<string, (options: Options) => Promise<unknown>> {
  const first = (stream: AsyncIterable<unknown>): Promise<unknown> => stream[Symbol.asyncIterator]().next();
  return {
    RotateSigningKeys: (options) => stubs.authInternal.rotateSigningKeys({ force: true }, options),
    DropServiceSecrets: (options) => stubs.authInternal.dropServiceSecrets({}, options),
    RewrapSigningKeys: (options) => stubs.authInternal.rewrapSigningKeys({}, options),
    GrantAdmin: (options) => stubs.adminInternal.grantAdmin({ handle: 'somebody' }, options),
    RevokeAdmin: (options) => stubs.adminInternal.revokeAdmin({ handle: 'somebody' }, options),
    ResetMfa: (options) => stubs.adminInternal.resetMfa({ handle: 'somebody' }, options),
    ListAdmins: (options) => stubs.adminInternal.listAdmins({}, options),
    DisableAccount: (options) => stubs.authInternal.disableAccount({ userId: id }, options),
    ConfirmErasure: (options) => stubs.userInternal.confirmErasure({ userId: id }, options),
    CreateUser: (options) =>
      stubs.userInternal.createUser({ id: randomUUID(), handle: 'intruder', displayName: '' }, options),
    ResolveUser: (options) => stubs.userInternal.resolveUser({ id }, options),
    BatchGetUsers: (options) => stubs.userInternal.batchGetUsers({ ids: [id] }, options),
    BatchGetUsersByHandle: (options) => stubs.userInternal.batchGetUsersByHandle({ handles: ['somebody'] }, options),
    StreamFollowerIds: (options) => first(stubs.userInternal.streamFollowerIds({ userIds: [id] }, options)),
    ListFolloweeIds: (options) => stubs.userInternal.listFolloweeIds({ amongIds: [] }, options),
    BatchGetPosts: (options) => stubs.postInternal.batchGetPosts({ ids: [id] }, options),
    ListPostsByAuthors: (options) =>
      stubs.postInternal.listPostsByAuthors({ authorIds: [id], before: undefined, pageSize: 1 }, options),
    ListPublicPosts: (options) => stubs.postInternal.listPublicPosts({ before: undefined, pageSize: 1 }, options),
    PublishRecentPosts: (options) => stubs.postInternal.publishRecentPosts({ authorIds: [id] }, options),
  };
}

async function requireCode(what: string, call: Promise<unknown>, code: Status): Promise<void> {
  await assert.rejects(call, (error) => {
    assert(error instanceof ClientError, `${what}: ${String(error)}`);
    assert.equal(Status[error.code], Status[code], `${what}: ${error.details}`);
    return true;
  });
}

/** Credentials that are wrong, and ways around them. */
export const credentials: Cases = {
  'a token that is wrong is refused on every RPC, the open ones too': async (world) => {
    const cast = await makeCast(world);
    const forge = await openForge(world.stack);
    // The forged token would do if nothing were changed in it; otherwise the others would prove nothing.
    const right = await forge.sign(forge.claims(cast.me.id));
    assert.equal((await world.api.call({ path: '/users/me', token: right })).status, 200);
    const tokens = await wrongTokens(world, forge, cast.me.id);
    const refused = Object.entries(tokens).flatMap(([what, token]) =>
      Object.entries(everyCall(cast)).map(
        ([rpc, request]): Refused => ({
          what: `${rpc} with a token that is ${what}`,
          request: { ...request, token },
          ...INVALID,
        }),
      ),
    );
    const missing = Object.entries(everyCall(cast))
      // What the others say without a token is not about credentials.
      .filter(([rpc]) => !openRpcs.has(rpc))
      .map(([rpc, request]): Refused => {
        return {
          what: `${rpc} without a token`,
          request: { ...request, token: undefined },
          status: 401,
          reason: 'TOKEN_MISSING',
        };
      });
    const odd = ['Basic bmVsZTpwdw==', 'Bearer', 'Bearer ', 'Token abc', `Bearer ${right} ${right}`].map(
      (authorization): Refused => ({
        what: `Authorization: ${authorization.slice(0, 30)}`,
        request: { path: '/users/me', headers: { authorization } },
        ...INVALID,
      }),
    );
    await requireRefused(world, cast, [...refused, ...missing, ...odd]);
  },

  'a token without the scope is told so': async (world) => {
    const cast = await makeCast(world);
    const forge = await openForge(world.stack);
    const token = await forge.sign(forge.claims(cast.me.id, { scope: 'nothing' }));
    const calls = everyCall(cast);
    const refused = [...scopedRpcs].map((rpc): Refused => {
      return { what: rpc, request: { path: '', ...calls[rpc], token }, status: 403, reason: 'SCOPE_MISSING' };
    });
    await requireRefused(world, cast, refused);
  },

  'the services themselves refuse the same tokens on their own ports': async (world) => {
    const { me } = await makeCast(world);
    const forge = await openForge(world.stack);
    const tokens = await wrongTokens(world, forge, me.id);
    tokens['of another type'] = await forge.sign(forge.claims(me.id), { typ: 'JWT' });
    await withStubs(world, undefined, async (stubs) => {
      for (const [what, token] of Object.entries(tokens)) {
        const options = metadataOf(token);
        const calls = [
          stubs.user.getMe({}, options),
          stubs.post.createPost({ text: 'intruder', visibility: 1 }, options),
          stubs.post.getPost({ id: randomUUID() }, options),
          stubs.feed.getFeed({}, options),
          stubs.auth.logout({ all: true }, options),
        ];
        await Promise.all(calls.map((call) => requireCode(what, call, Status.UNAUTHENTICATED)));
      }
    });
  },

  'internal RPCs are not behind the front door': async (world) => {
    const { me } = await makeCast(world);
    const tokens = [undefined, me.accessToken];
    const names = ['user.v1.UserInternalService/ResolveUser', 'post.v1.PostInternalService/BatchGetPosts'];
    for (const name of [...names, 'auth.v1.AuthInternalService/IssueServiceToken', 'user.v1.UserService/GetMe']) {
      for (const token of tokens) {
        const error = await refusal(world.api, { method: 'POST', path: `//oxo.${name}`, token, body: {} });
        assert.deepEqual([error.status, error.reason], [404, 'ROUTE_NOT_FOUND'], name);
      }
    }
    await withStubs(world, new URL(world.stack.urls.frontDoor).host, async (stubs) => {
      for (const token of tokens) {
        for (const [rpc, call] of Object.entries(internalCalls(stubs, me.id))) {
          await requireCode(rpc, call(metadataOf(token, me.accessToken)), Status.UNIMPLEMENTED);
        }
      }
      const clientSecret = world.stack.secrets.services.feed?.service ?? '';
      const issue = stubs.authInternal.issueServiceToken({ clientId: 'feed', clientSecret });
      await requireCode('IssueServiceToken', issue, Status.UNIMPLEMENTED);
      // The same stub does reach what is public.
      assert.equal((await stubs.user.getMe({}, metadataOf(me.accessToken))).user?.id, me.id);
    });
  },

  'internal RPCs refuse whoever is not one of our services, on the services’ own ports': async (world) => {
    const { me } = await makeCast(world);
    const forge = await openForge(world.stack);
    const service = forge.claims('service:feed', { aud: 'oxo-internal' });
    const tokens: [string, string | undefined][] = [
      ['no token', undefined],
      ['a user’s', me.accessToken],
      ['a forged one', forge.confused(service)],
      ['an unsigned one', forge.unsigned(service)],
      ['of another issuer', await forge.sign({ ...service, iss: 'https://elsewhere.example' })],
      ['a service’s name for another audience', await forge.sign({ ...service, aud: 'oxo-api' })],
      ['a person as a service', await forge.sign({ ...service, sub: me.id })],
    ];
    await withStubs(world, undefined, async (stubs) => {
      for (const [what, token] of tokens) {
        for (const [rpc, call] of Object.entries(internalCalls(stubs, me.id))) {
          await requireCode(`${rpc} with ${what}`, call(metadataOf(token, me.accessToken)), Status.UNAUTHENTICATED);
        }
      }
      const wrong = stubs.authInternal.issueServiceToken({ clientId: 'feed', clientSecret: 'wrong' });
      await requireCode('IssueServiceToken', wrong, Status.UNAUTHENTICATED);
    });
    assert.equal((await refusal(world.api, { path: '/users/by-handle/intruder' })).status, 404);
  },

  'a service may call only what is declared for it, and for a person only with that person’s token': async (world) => {
    const { me, other } = await makeCast(world);
    const forge = await openForge(world.stack);
    const [feed, auth] = [await serviceToken(world, 'feed'), await serviceToken(world, 'auth')];
    await withStubs(world, undefined, async (stubs) => {
      const calls = internalCalls(stubs, me.id);
      const list = calls.ListFolloweeIds as (options: Options) => Promise<{ followeeIds: string[] }>;
      assert.deepEqual((await list(metadataOf(feed, me.accessToken))).followeeIds, [other.id]);
      for (const rpc of closedTo('feed')) {
        await requireCode(rpc, calls[rpc]?.(metadataOf(feed)) ?? assert.fail(), Status.PERMISSION_DENIED);
      }
      for (const rpc of closedTo('auth')) {
        const call = calls[rpc]?.(metadataOf(auth, me.accessToken)) ?? assert.fail();
        await requireCode(rpc, call, Status.PERMISSION_DENIED);
      }
      for (const person of [undefined, 'garbage', feed, forge.confused(forge.claims(me.id))]) {
        await requireCode('ListFolloweeIds', list(metadataOf(feed, person)), Status.UNAUTHENTICATED);
      }
    });
  },

  'nobody becomes another by headers of ours': async (world) => {
    const { me, other } = await makeCast(world);
    const spoofed = {
      'x-oxo-on-behalf-of': other.accessToken,
      'x-oxo-user-id': other.id,
      'x-internal-user': other.id,
      'x-http-code': '204',
    };
    const request = { path: '/users/me', token: me.accessToken, headers: spoofed };
    assert.equal((await world.api.get<{ user: User }>(request)).user.id, me.id);
    const anonymous = await refusal(world.api, { path: '/users/me', headers: spoofed });
    assert.equal(anonymous.reason, 'TOKEN_MISSING');
    await withStubs(world, undefined, async (stubs) => {
      const answer = await stubs.user.getMe({}, metadataOf(me.accessToken, other.accessToken));
      assert.equal(answer.user?.id, me.id, 'on the service’s own port too');
    });
  },

  'a session that ended is refused on behalf of its person too': async (world) => {
    const { me } = await makeCast(world);
    const session = await logIn(world.api, me);
    const feed = await serviceToken(world, 'feed');
    await withStubs(world, undefined, async (stubs) => {
      await stubs.userInternal.listFolloweeIds({ amongIds: [] }, metadataOf(feed, session.accessToken));
      await world.api.get({ method: 'POST', path: '/auth/logout', token: session.accessToken, body: {} });
      await world.settled();
      const call = stubs.userInternal.listFolloweeIds({ amongIds: [] }, metadataOf(feed, session.accessToken));
      await requireCode('ListFolloweeIds', call, Status.UNAUTHENTICATED);
    });
  },
};

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ClientError, Metadata, Status } from 'nice-grpc';
import { closedTo } from '../refusals/contracts.ts';
import { internalCalls } from '../refusals/credentials.ts';
import { makeAdmin, signUpAdmin } from '../testing/admins.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { openForge } from '../testing/credentials.ts';
import { logIn, signUp, type User } from '../testing/people.ts';
import { openStubs, type Stubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';

const asUser = (token: string) => ({ metadata: Metadata({ authorization: `Bearer ${token}` }) });

async function requireCode(what: string, call: Promise<unknown>, code: Status): Promise<void> {
  await assert.rejects(call, (error) => {
    assert(error instanceof ClientError, `${what}: ${String(error)}`);
    assert.equal(Status[error.code], Status[code], `${what}: ${error.details}`);
    return true;
  });
}

async function straight({ stack }: World, work: (stubs: Stubs) => Promise<void>, address?: string): Promise<void> {
  const stubs = openStubs(stack, address);
  try {
    await work(stubs);
  } finally {
    stubs.close();
  }
}

/** Somebody who has got behind the front door, or pretends to. */
export const behindTheFrontDoor: Cases = {
  'a wrongly scoped JWT sent straight to a service': async (world) => {
    const { id } = await signUp(world.api);
    const forge = await openForge(world.stack);
    const scoped = async (scope: string) => asUser(await forge.sign(forge.claims(id, { scope })));
    await straight(world, async (stubs) => {
      const calls = {
        getMe: async (scope: string) => stubs.user.getMe({}, await scoped(scope)),
        createPost: async (scope: string) =>
          stubs.post.createPost({ text: 'intruder', visibility: 1 }, await scoped(scope)),
        getFeed: async (scope: string) => stubs.feed.getFeed({}, await scoped(scope)),
        listAuditLog: async (scope: string) => stubs.admin.listAuditLog({}, await scoped(scope)),
      };
      const wrong = [
        '',
        'nothing',
        'profile',
        'posts:*',
        '*',
        'PROFILE:READ POSTS:WRITE FEED:READ ADMIN',
        'profile:read,posts:write',
      ];
      for (const [name, call] of Object.entries(calls)) {
        for (const scope of wrong) await requireCode(`${name} with "${scope}"`, call(scope), Status.PERMISSION_DENIED);
      }
      await requireCode(
        'the log without its scope',
        calls.listAuditLog('profile:read posts:write'),
        Status.PERMISSION_DENIED,
      );
    });
  },

  'a user’s JWT on an internal RPC, an administrator’s too': async (world) => {
    const [person, admin] = [await signUp(world.api), await signUpAdmin(world)];
    const forge = await openForge(world.stack);
    const asService = await forge.sign(forge.claims(person.id, { aud: 'oxo-internal', sub: person.id }));
    await straight(world, async (stubs) => {
      for (const token of [person.accessToken, admin.accessToken, asService]) {
        for (const [rpc, call] of Object.entries(internalCalls(stubs, person.id))) {
          await requireCode(rpc, call(asUser(token)), Status.UNAUTHENTICATED);
        }
      }
    });
  },

  'a service’s token for what is not that service’s': async (world) => {
    const { id } = await signUp(world.api);
    const forge = await openForge(world.stack);
    const token = await forge.sign(forge.claims('service:post', { aud: 'oxo-internal' }));
    await straight(world, async (stubs) => {
      const calls = internalCalls(stubs, id);
      for (const rpc of closedTo('post')) {
        await requireCode(rpc, calls[rpc]?.(asUser(token)) ?? assert.fail(rpc), Status.PERMISSION_DENIED);
      }
    });
    const { reason } = await refusal(world.api, { path: '/users/me', token });
    assert.equal(reason, 'TOKEN_INVALID', 'at the front door it is none');
  },

  'spoofed internal headers': async (world) => {
    const [me, other] = [await signUp(world.api), await signUpAdmin(world)];
    const spoofed = {
      ...{ 'x-oxo-on-behalf-of': other.accessToken, 'x-oxo-user-id': other.id, 'x-oxo-scopes': 'admin' },
      ...{ 'x-user-id': other.id, 'x-internal': 'true', 'x-http-code': '204' },
      ...{ 'x-envoy-original-path': '/api/v1/admin/audit-log', 'x-original-url': '/api/v1/admin/audit-log' },
      ...{ 'x-envoy-internal': 'true', 'x-forwarded-client-cert': 'URI=spiffe://oxo/ns/oxo-app/sa/user' },
      ...{ 'x-http-method-override': 'DELETE', 'x-forwarded-host': 'evil.example', forwarded: 'for=127.0.0.1' },
    };
    const request = { path: '/users/me', token: me.accessToken, headers: spoofed };
    assert.equal((await world.api.get<{ user: User }>(request)).user.id, me.id);
    assert.equal((await refusal(world.api, { path: '/users/me', headers: spoofed })).reason, 'TOKEN_MISSING');
    assert.equal((await refusal(world.api, { ...request, path: '/admin/audit-log' })).reason, 'SCOPE_MISSING');
    await straight(
      world,
      async (stubs) => {
        const metadata = Metadata({ ...spoofed, authorization: `Bearer ${me.accessToken}` });
        assert.equal((await stubs.user.getMe({}, { metadata })).user?.id, me.id, 'by gRPC');
      },
      new URL(world.stack.urls.frontDoor).host,
    );
  },

  'a way to administration that is not the operator’s': async (world) => {
    const person = await signUp(world.api);
    const asked = { scope: 'admin', scopes: ['admin'], isAdmin: true, is_admin: true, admin: true };
    const credentials = { identifier: person.handle, password: person.password };
    const { tokens } = await world.api.get<{ tokens: { accessToken: string; refreshToken: string } }>({
      ...{ method: 'POST', path: '/auth/login', body: { ...credentials, ...asked } },
    });
    const again = await world.api.get<{ tokens: { accessToken: string } }>({
      ...{ method: 'POST', path: '/auth/refresh', body: { refreshToken: tokens.refreshToken, ...asked } },
    });
    for (const token of [person.accessToken, tokens.accessToken, again.tokens.accessToken]) {
      assert.equal((await refusal(world.api, { path: '/admin/audit-log', token })).reason, 'SCOPE_MISSING');
    }
    // The session that was open when the operator said so is not one either, but the next is.
    const admin = await makeAdmin(world, person);
    assert.equal(
      (await refusal(world.api, { path: '/admin/audit-log', token: tokens.accessToken })).reason,
      'SCOPE_MISSING',
    );
    const since = new Date(Date.now() - 60_000).toISOString();
    const query = `?accountId=${person.id}&action=GRANT_ADMIN&outcome=SUCCEEDED&since=${since}&until=2999-01-01T00:00:00Z`;
    const { entries } = await world.api.get<{ entries: { action: string; actorKind: string; accountId: string }[] }>({
      ...{ path: `/admin/audit-log${query}`, token: admin.accessToken },
    });
    assert.deepEqual(
      entries.map(({ action, actorKind, accountId }) => [action, actorKind, accountId]),
      [['GRANT_ADMIN', 'OPERATOR', person.id]],
    );
    for (const wrong of ['since=yesterday', 'action=ANYTHING', `accountId=${randomUUID()}&action='%20or%201=1`]) {
      const { status } = await refusal(world.api, { path: `/admin/audit-log?${wrong}`, token: admin.accessToken });
      assert.equal(status, 400, wrong);
    }
    await logIn(world.api, person);
  },
};

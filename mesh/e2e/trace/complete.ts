import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import type { ApiRequest } from '../testing/client.ts';
import { getCode, postAs, redeem, registerClient } from '../testing/oauth.ts';
import { feedPage, newHandle, type Person, post, signUp, signUpAll } from '../testing/people.ts';
import type { SpanSink } from '../testing/spans.ts';
import type { World } from '../testing/world.ts';
import { describeSpan, requireConventions, requireWay, type Step, tops } from './ways.ts';

const gateway: Step = ['gateway', /./];
/** What a part asks of another one by itself, for no request of anybody. */
const ofNobody = /^GET \/\.well-known\/jwks\.json$/;

/** What people do, and all the ways that it takes through the parts: each begins at the front door. */
function actions(one: Person, other: Person, postId: string): Record<string, { request: ApiRequest; ways: Step[][] }> {
  const token = one.accessToken;
  const handle = newHandle();
  const registration = { handle, email: `${handle}@oxo.example`, password: one.password, displayName: '' };
  const user = (rpc: string): Step => ['user', new RegExp(`^oxo\\.user\\.v1\\.UserService/${rpc}$`)];
  const auth = (rpc: string): Step => ['auth', new RegExp(`^oxo\\.auth\\.v1\\.AuthService/${rpc}$`)];
  const inUser: Step = ['user', /^oxo\.user\.v1\.UserInternalService\//];
  return {
    'a follow, to the event': {
      request: { method: 'PUT', path: `/users/${other.id}/follow`, token },
      ways: [
        [gateway, user('Follow'), ['user', /^sql follow$/]],
        [gateway, user('Follow'), ['user', /^publish user\.followed$/]],
      ],
    },
    'a feed that is read': {
      request: { path: '/feed', token },
      ways: [[gateway, ['feed', /FeedService\/GetFeed$/], ['feed', /^redis /]]],
    },
    'a post that is deleted, to the event': {
      request: { method: 'DELETE', path: `/posts/${postId}`, token },
      ways: [
        [gateway, ['post', /PostService\/DeletePost$/], ['post', /^sql transaction$/], ['post', /^sql /]],
        [gateway, ['post', /PostService\/DeletePost$/], ['post', /^publish post\.deleted$/]],
      ],
    },
    'a sign-in': {
      request: { method: 'POST', path: '/auth/login', body: { identifier: one.handle, password: one.password } },
      ways: [
        [gateway, auth('Login'), ['auth', /^sql /]],
        [gateway, auth('Login'), ['auth', /UserInternalService\/ResolveUser$/], inUser],
      ],
    },
    'a refresh': {
      request: { method: 'POST', path: '/auth/refresh', body: { refreshToken: other.refreshToken } },
      ways: [[gateway, auth('Refresh'), ['auth', /^sql /]]],
    },
    'a registration, to the mail': {
      request: { method: 'POST', path: '/auth/register', body: registration },
      ways: [
        [gateway, auth('Register'), inUser, ['user', /^publish user\.registered$/]],
        [
          gateway,
          auth('Register'),
          ['auth', /^publish mail\.queued$/],
          ['auth', /^handle mail\.queued$/],
          ['auth', /^sql mail-settle$/],
        ],
        [gateway, auth('Register'), ['auth', /^handle mail\.queued$/], ['auth', /UserInternalService\//], inUser],
      ],
    },
  };
}

/** Sends a request in a trace of its own, and waits until that has all the ways. */
async function requireTraced(
  sink: SpanSink,
  what: string,
  ways: readonly Step[][],
  send: (traceparent: string) => Promise<unknown>,
) {
  const traceId = randomBytes(16).toString('hex');
  await send(`00-${traceId}-${randomBytes(8).toString('hex')}-01`);
  for (const way of ways) await until(`all spans of ${what}`, () => requireWay(sink.trace(traceId), way));
  await until(`one root of ${what}`, () => {
    assert.deepEqual(
      tops(sink.trace(traceId)).map(({ service }) => service),
      ['gateway'],
    );
    return true;
  });
  requireConventions(sink.trace(traceId));
}

async function tokenOfOAuth(world: World, sink: SpanSink): Promise<void> {
  const [person, client] = [await signUp(world.api), await registerClient(world)];
  const code = await getCode(world, client, person);
  const ways: Step[][] = [[gateway, ['auth', /^POST \/oauth\/token$/], ['auth', /^sql /]]];
  await requireTraced(sink, 'a token of OAuth', ways, (traceparent) =>
    postAs(world, client, '/oauth/token', redeem(client, code), { traceparent }),
  );
}

/** The spans of what people do most, whole and by the conventions. */
export function complete(sink: () => SpanSink): Cases {
  return {
    'each thing that people do is one trace, from the front door to the last part': async (world) => {
      const [one, other] = (await signUpAll(world.api, 2)) as [Person, Person];
      const { id } = await post(world.api, one, 'to be deleted');
      await feedPage(world.api, one);
      await world.settled();
      for (const [what, { request, ways }] of Object.entries(actions(one, other, id))) {
        await requireTraced(sink(), what, ways, async (traceparent) => {
          const { status, body } = await world.api.call({ ...request, headers: { traceparent } });
          assert.ok(status < 300, `${what}: ${status} ${JSON.stringify(body)}`);
        });
      }
      await tokenOfOAuth(world, sink());
    },

    'no span is lost or stands alone': async (world) => {
      await world.settled();
      await until('every span has its parent', () => {
        const spans = sink().all();
        assert.ok(spans.length > 100, `${spans.length} spans`);
        const alone = tops(spans).filter(({ service, name }) => service !== 'gateway' && !ofNobody.test(name));
        assert.deepEqual(alone.map(describeSpan), []);
        return true;
      });
    },
  };
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Metadata } from 'nice-grpc';
import { until } from '#kit/testing/until.ts';
import { services } from '../../local/services.ts';
import type { Cases } from '../testing/cases.ts';
import { feedPage, follow, type Person, post, signUpAll } from '../testing/people.ts';
import type { SpanSink } from '../testing/spans.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';
import { describeSpan } from '../trace/ways.ts';

const newTraceId = (): string => randomBytes(16).toString('hex');
const sampled = (traceId: string): string => `00-${traceId}-${randomBytes(8).toString('hex')}-01`;

/** Asks each service for something behind the front door, where a trace goes on: spans of this come behind all that were queued before. */
async function askBehindTheFrontDoor(
  { stack }: World,
  { id, accessToken }: Person,
  traceparent: string,
): Promise<void> {
  const stubs = openStubs(stack);
  const as = { metadata: Metadata({ authorization: `Bearer ${accessToken}`, traceparent }) };
  try {
    await Promise.all([
      stubs.auth.listSessions({}, as),
      stubs.user.getMe({}, as),
      stubs.post.listUserPosts({ userId: id }, as),
      stubs.feed.getFeed({}, as),
    ]);
  } finally {
    stubs.close();
  }
}

/** What a stranger says of traces, in a stack that records nothing by itself. @param sink where its spans would come */
export function traces(sink: () => SpanSink): Cases {
  return {
    'a stranger makes nothing be recorded, and puts nothing into the trace of others': async (world) => {
      const { api, stack } = world;
      const [author, follower] = (await signUpAll(api, 2)) as [Person, Person];
      await follow(api, follower, author);
      await feedPage(api, follower);
      const { id } = await post(api, author, 'nothing to see');

      const traceId = newTraceId();
      const headers = {
        ...{ traceparent: sampled(traceId), tracestate: 'stranger=1', b3: `${traceId}-${traceId.slice(16)}-1` },
        ...{ 'x-client-trace-id': traceId, 'x-envoy-force-trace': 'true' },
      };
      const token = author.accessToken;
      for (const request of [
        { method: 'POST', path: '/posts', token, body: { text: 'look at me' } },
        { path: '/feed', token: follower.accessToken },
        { path: `/posts/${id}` },
        { path: '/feed', token: 'none' },
        { method: 'POST', path: '/auth/login', body: { identifier: author.handle, password: author.password } },
        { method: 'DELETE', path: `/posts/${id}`, token },
      ] as const)
        await api.call({ ...request, headers });
      for (const path of ['/.well-known/jwks.json', '/oauth/token', '/signin', '/openapi.yaml', '/nowhere'])
        await (await fetch(`${stack.urls.frontDoor}${path}`, { headers })).text();
      const stubs = openStubs(stack, new URL(stack.urls.frontDoor).host);
      await stubs.post.createPost(
        { text: 'by gRPC', visibility: 1 },
        { metadata: Metadata({ ...headers, authorization: `Bearer ${token}` }) },
      );
      stubs.close();
      await world.settled();

      const control = newTraceId();
      await askBehindTheFrontDoor(world, follower, sampled(control));
      for (const { name } of services)
        await until(`a span of ${name}`, () =>
          sink()
            .trace(control)
            .some(({ service }) => service === name),
        );
      const recorded = sink()
        .all()
        .filter((span) => span.traceId !== control);
      assert.deepEqual(recorded.map(describeSpan), []);
    },
  };
}

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '#kit/testing/until.ts';
import { services } from '../../local/services.ts';
import type { Cases } from '../testing/cases.ts';
import { type Answer, refusal } from '../testing/client.ts';
import { feedPage, feedTexts, follow, type Person, signUpAll } from '../testing/people.ts';
import type { Span, SpanSink } from '../testing/spans.ts';
import type { World } from '../testing/world.ts';
import { ancestors, findSpan, requireConventions, requireWay, type Step } from './ways.ts';

/** The way of a post from the front door to the Redis write: each span below the one before it, perhaps not directly. */
const WAY: readonly Step[] = [
  ['gateway', /./],
  ['post', /^oxo\.post\.v1\.PostService\/CreatePost$/],
  ['post', /^publish post\.created$/],
  ['feed', /^handle post\.created$/],
  ['feed', /^redis window-push$/],
];
/** What hangs on the way, below which of its spans. */
const BRANCHES: readonly (readonly [above: string, service: string, name: RegExp])[] = [
  ['oxo.post.v1.PostService/CreatePost', 'post', /^sql post-insert$/],
  ['oxo.post.v1.PostService/CreatePost', 'post', /^redis set-if-newer$/],
  ['handle post.created', 'feed', /StreamFollowerIds$/],
  ['handle post.created', 'user', /StreamFollowerIds$/],
  ['handle post.created', 'user', /^sql /],
];

/** @throws AssertionError or Error that says which link is missing */
export function requireLinked(spans: readonly Span[]): true {
  requireWay(spans, WAY);
  for (const [above, service, name] of BRANCHES) {
    const span = findSpan(spans, [service, name]);
    const names = ancestors(spans, span).map((ancestor) => ancestor.name);
    assert.ok(names.includes(above), `${span.name} of ${service} is not below ${above}, but ${names.join(' < ')}`);
  }
  return true;
}

function logOf({ stack }: World, name: string): Record<string, unknown>[] {
  const lines = readFileSync(join(stack.logDir, `${name}.log`), 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function postWith(world: World, author: Person, text: string, headers: Record<string, string>): Promise<Answer> {
  return world.api.call({ method: 'POST', path: '/posts', token: author.accessToken, body: { text }, headers });
}

/** One trace and one request id go with a request from the front door to the last consumer. */
export function traces(sink: () => SpanSink): Cases {
  return {
    'one trace goes from the front door to the Redis write of the fan-out': async (world) => {
      const { api } = world;
      const [author, follower] = (await signUpAll(api, 2)) as [Person, Person];
      await follow(api, follower, author);
      await feedPage(api, follower);
      const traceId = randomBytes(16).toString('hex');
      const caller = randomBytes(8).toString('hex');
      const answer = await postWith(world, author, 'traced', { traceparent: `00-${traceId}-${caller}-01` });
      assert.equal(answer.status, 201);
      await until('it is in the feed', async () => (await feedTexts(api, follower)).length === 1);
      await until('its spans are linked', () => requireLinked(sink().trace(traceId)));
      requireConventions(sink().trace(traceId));
      const root = sink()
        .trace(traceId)
        .find(({ parentSpanId }) => parentSpanId === caller);
      assert.equal(root?.service, 'gateway', 'below the caller’s own span');
    },

    'the request id is the caller’s, in answers, in errors and in the logs of every part': async (world) => {
      const [author, follower] = (await signUpAll(world.api, 2)) as [Person, Person];
      await follow(world.api, follower, author);
      const requestId = randomUUID();
      const answer = await postWith(world, author, 'with an id', { 'x-request-id': requestId });
      assert.equal(answer.headers['x-request-id'], requestId);
      await world.settled();
      await until('the consumer’s line has it', () =>
        logOf(world, 'feed').some((line) => line.requestId === requestId && line.msg === 'event handled'),
      );

      const refusedId = randomUUID();
      const request = { path: '/posts/nonsense', headers: { 'x-request-id': refusedId } };
      assert.equal((await refusal(world.api, request)).requestId, refusedId);
      for (const [part, id] of [
        ['envoy', requestId],
        ['envoy', refusedId],
        ['post', refusedId],
      ] as const) {
        await until(`the log of ${part} has it`, () => logOf(world, part).some((line) => line.requestId === id));
      }
      const ours = await refusal(world.api, { path: '/nowhere' });
      assert.match(ours.requestId ?? '', /^[\w.-]{8,64}$/, 'the front door’s own errors have one too');
    },

    'passwords, tokens and addresses are in no log': async (world) => {
      const [person] = (await signUpAll(world.api, 1)) as [Person];
      await refusal(world.api, { path: `/posts/nonsense?pageToken=${person.refreshToken}`, token: person.accessToken });
      // gRPC's library quotes headers that it cannot carry.
      const odd = { authorization: `Bearer\t${person.accessToken}` };
      assert.equal((await refusal(world.api, { path: '/users/me', headers: odd })).reason, 'REQUEST_MALFORMED');
      const other = { cookie: `\xe9${person.accessToken}`, 'x-odd': `\xe9${person.accessToken}` };
      await world.api.get({ path: '/users/me', token: person.accessToken, headers: other });
      await world.settled();
      const secrets = [person.password, person.refreshToken, person.accessToken, `${person.handle}@oxo.example`];
      for (const part of ['envoy', ...services.map(({ name }) => name), 'postgres', 'nats', 'redis']) {
        const log = readFileSync(join(world.stack.logDir, `${part}.log`), 'utf8');
        for (const secret of secrets) assert.ok(!log.includes(secret), `${part} logs ${secret.slice(0, 6)}…`);
      }
    },
  };
}

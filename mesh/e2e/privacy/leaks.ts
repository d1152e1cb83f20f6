import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMetrics } from '#kit/observability/metrics.ts';
import { startOpsServer } from '#kit/observability/ops-server.ts';
import { quiet } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';
import { unknownId } from '../refusals/refused.ts';
import { signUpAdmin } from '../testing/admins.ts';
import type { Cases } from '../testing/cases.ts';
import { meetOutages, sendDeadLetters } from './faults.ts';
import { callEveryRpcByGrpc } from './grpc-calls.ts';
import { liveWithAccount, liveWithApps, liveWithPosts, register } from './lives.ts';
import { loudLines } from './log-lines.ts';
import { openEveryPage } from './pages.ts';
import { callEveryPublicRpc } from './public-calls.ts';
import { unreachedRpcs } from './reached.ts';
import { leaksOf, seeAll, type Watch } from './seen.ts';
import type { Teller } from './teller.ts';

function rememberSecretsOfStack({ world, marks }: Teller): void {
  const noteAll = (value: unknown, name: string): void => {
    if (typeof value === 'string' && value.length > 16 && !name.endsWith('Since'))
      marks.remember(`the stack's ${name}`, value);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) noteAll(item, `${name}.${key}`);
  };
  noteAll(world.stack.secrets, 'secrets');
}

/** One that a service answers by itself, of each. */
const answeredBy = { auth: '/auth/sessions', user: '/users/me', post: `/posts/${unknownId}`, feed: '/feed/public' };

/** The last spans of a process are exported two seconds after they end. */
async function untilExported({ teller, sink }: Watch): Promise<void> {
  const { token } = await register(teller);
  for (const [own, path] of Object.entries(answeredBy)) {
    const traceId = randomBytes(16).toString('hex');
    const headers = { authorization: `Bearer ${token}`, traceparent: `00-${traceId}-${'1'.repeat(16)}-01` };
    await teller.send(`/api/v1${path}`, { headers });
    await until(`the last spans of ${own}`, () =>
      [own, 'gateway'].every((name) => sink.trace(traceId).some(({ service }) => service === name)),
    );
  }
}

function plantedLine(leak: string): string {
  const time = new Date().toISOString();
  const line = { level: 'info', time, service: 'post', who: Buffer.from(leak).toString('base64'), msg: 'planted' };
  return `${JSON.stringify(line)}\n`;
}

/** What is marked is told to every part in every way, and then looked for in all that operators see. */
export const leaks: Cases<Watch> = {
  'people live, and everybody tries everything': async ({ teller }) => {
    rememberSecretsOfStack(teller);
    const [one, other] = await Promise.all([register(teller), register(teller)]);
    await liveWithAccount(teller);
    await liveWithPosts(teller, one, other);
    await liveWithApps(teller, one);
    await openEveryPage(teller, other);
    await callEveryPublicRpc(teller);
    const admin = await signUpAdmin(teller.world);
    await callEveryRpcByGrpc(teller, { person: other.token, admin: admin.accessToken });
    await teller.world.settled();
    assert.deepEqual(await unreachedRpcs(teller.world), [], 'no call of these was read');
    const limited = teller.statuses.get(429) ?? 0;
    assert.ok(
      limited < 20,
      `${limited} requests were refused before anybody read them: ${JSON.stringify([...teller.statuses])}`,
    );
  },

  'nothing of that is a warning or an error: nothing has failed': async (watch) => {
    assert.deepEqual(loudLines(watch).slice(0, 10), []);
  },

  'parts are away, and events are given up': async ({ teller }) => {
    await meetOutages(teller, await register(teller));
    await teller.world.settled();
    await sendDeadLetters(teller);
  },

  'no log, no span and no metric holds a secret, an address, a name or a text': async (watch) => {
    const { teller, sink } = watch;
    await untilExported(watch);
    const found = leaksOf(teller.marks, await seeAll(teller.world, sink));
    assert.ok(teller.marks.count() > 1_000, `${teller.marks.count()} marks`);
    assert.deepEqual(found.slice(0, 60), [], `${found.length} leaks`);
  },

  'a leak in a log, a span or a metric would have been found': async ({ teller, sink }) => {
    const { world, marks } = teller;
    const [inLog, inSpan, inMetric] = ['log', 'span', 'metric'].map((where) => marks.make(`planted in a ${where}`)) as [
      string,
      string,
      string,
    ];
    appendFileSync(join(world.stack.logDir, 'post.log'), plantedLine(inLog));
    const attributes = [{ key: 'user', value: { stringValue: encodeURIComponent(`"${inSpan}`) } }];
    const ids = { traceId: '1'.repeat(32), spanId: '1'.repeat(16) };
    const spans = [{ ...ids, name: 'planted', startTimeUnixNano: '1700000000000000000', attributes }];
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    await fetch(`${sink.endpoint}/v1/traces`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    const metrics = createMetrics({ processMetrics: false });
    metrics
      .counter({ name: 'oxo_planted_total', help: 'A leak.', labelNames: ['who'] })
      .labels(inMetric.toUpperCase())
      .inc();
    const ops = await startOpsServer({ host: '127.0.0.1', port: 0, metrics, logger: quiet });
    try {
      const found = leaksOf(marks, await seeAll(world, sink, [`${ops.url}/metrics`]));
      assert.deepEqual(found.sort(), [
        'a mark (base64) in the log post.log',
        `planted in a metric in the metrics of ${ops.url}/metrics`,
        'planted in a span in the spans',
      ]);
    } finally {
      await ops.close();
    }
  },
};

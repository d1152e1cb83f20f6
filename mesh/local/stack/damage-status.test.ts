/** What is damaged in a stack that runs is told by `./oxo status`: what people notice, and the runbook that helps. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { systemClock } from '#kit/clock.ts';
import { connectNats } from '#kit/events/jetstream/nats.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { quiet } from '#kit/testing/bus.ts';
import { mountSmallDisk } from '#kit/testing/small-disk.ts';
import { until } from '#kit/testing/until.ts';
import { runbookOf } from '../commands/status/judge/problem.ts';
import { look, type Status } from '../commands/status/overview.ts';
import { render } from '../commands/status/show/render.ts';
import { findFreePortBase } from '../ports.ts';
import { setUpStreams } from '../servers/streams.ts';
import { services } from '../services.ts';
import { readSettings } from '../settings.ts';
import { withRunningSettings } from '../supervisor/state.ts';
import { oxo } from '../testing/command.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { type Stack, startStack } from './stack.ts';

/** What is frozen is to stay so. */
const liveness = { intervalMs: 1_000, timeoutMs: 1_000, failures: 1_000, stoppedFailures: 1_000 };
const stateDir = temporaryFolder();
const settings = (folder: string) => withRunningSettings(readSettings({ OXO_STATE_DIR: folder }));
let stack: Stack;

before(async () => {
  stack = await startStack({ stateDir, portBase: await findFreePortBase(), liveness });
});
after(() => stack.stop());

/** Waits until status tells of this alert, of this subject; the text of it names both and the runbook. */
async function told(alert: string, subject?: string, folder = stateDir): Promise<Status> {
  const status = await until(`${alert} is told`, async () => {
    const seen = (await look(settings(folder))).status;
    const isIt = (each: Status['problems'][number]) => each.alert === alert && each.subject === subject;
    return seen.problems.some(isIt) && seen;
  });
  const text = render(status, systemClock.nowMs(), 200);
  assert.match(text, new RegExp(`: ${alert}[\\s\\S]*runbook ${runbookOf(alert)}`));
  return status;
}

/** A small machine, without the rate limit service, is not wrong. */
function serious({ problems }: Status): string[] {
  return problems.filter(({ impact }) => impact !== 'soon').map(({ alert }) => alert);
}

test('where all is well nothing is wrong; versions, keys and rates are told', async () => {
  const first = await until('all is well', async () => {
    const seen = await look(settings(stateDir));
    return serious(seen.status).length === 0 && seen;
  });
  const body = JSON.stringify({ identifier: 'nobody', password: 'wrong horse 42' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${stack.urls.frontDoor}/api/v1/auth/login`, { method: 'POST', headers, body });
  assert.equal(answer.status, 401);
  const { status } = await look(settings(stateDir), first.scrape);
  assert.equal(status.ready, true, status.summary);
  assert((status.rates?.frontDoor?.perSecond ?? 0) > 0);
  assert.equal(status.rates?.rpcs.find(({ rpc }) => rpc.endsWith('/Login'))?.errorsPerSecond, 0);
  for (const { name, version } of status.processes) {
    if (name !== 'mail') assert.match(version ?? '', /^[\w.+-]+$/, name);
  }
  assert(status.keys !== undefined && 'signingAgeSeconds' in status.keys);
  assert((status.keys.signingAgeSeconds ?? -1) >= 0 && status.keys.nextIsPublished);
  assert('consumers' in status.events && status.events.consumers.length > 0);
});

test('a frozen service', async () => {
  stack.process('feed').kill('SIGSTOP');
  try {
    const { problems, serving, ready } = await told('ServiceDown', 'feed');
    assert.deepEqual([serving, ready], ['partly', false]);
    const found = problems.find(({ subject }) => subject === 'feed');
    assert.match(`${found?.what}; ${found?.next}`, /frozen.*kill -CONT \d+/);
  } finally {
    stack.process('feed').kill('SIGCONT');
  }
});

test('a consumer that nobody runs, and an event that was given up', async () => {
  await stack.process('feed').pause();
  const nats = await connectNats({ url: stack.urls.nats, name: 'test', logger: quiet });
  try {
    await told('ConsumerStopped', 'feed-fanout');
    const publisher = createPublisher({ nats, source: 'post', logger: quiet });
    const payload = PostCreated.encode(PostCreated.fromPartial({ post: { id: 'p', text: 'x' } })).finish();
    const event = { eventId: newId(systemClock.nowMs()), version: 1, subject: 'post.created', payload, headers: {} };
    await publisher.publish([event]);
    const consumer = await jetstream(nats.connection).consumers.get('EVENTS', 'feed-fanout');
    (await consumer.next())?.term('Error: it did not like it');
    const { events, problems } = await told('DeadLetters');
    assert('deadLetters' in events && events.deadLetters === 1);
    assert.match(problems.find(({ alert }) => alert === 'DeadLetters')?.since ?? '', /^\d{4}-.*Z$/);
  } finally {
    await nats.close();
    await stack.process('feed').resume();
  }
});

test('a consumer that NATS has paused goes on by migrate', async () => {
  const nats = await connectNats({ url: stack.urls.nats, name: 'test', logger: quiet });
  try {
    const { consumers } = await jetstreamManager(nats.connection);
    await consumers.pause('EVENTS', 'feed-fanout', new Date(systemClock.nowMs() + 600_000));
    const { problems } = await told('ConsumerStopped', 'feed-fanout');
    const { what, next } = problems.find(({ alert }) => alert === 'ConsumerStopped') ?? {};
    assert.match(`${what} ${next}`, /feed-fanout is paused until .*oxo migrate/);
    await setUpStreams(stack.urls.nats, services);
    assert.equal((await consumers.info('EVENTS', 'feed-fanout')).paused ?? false, false);
  } finally {
    await nats.close();
  }
});

test('NATS away', async () => {
  await stack.process('nats').pause();
  try {
    const { serving, events } = await told('NatsAway', 'nats');
    assert.equal(serving, 'degraded');
    assert('error' in events);
    const { code, out } = await oxo(['status'], { env: { OXO_STATE_DIR: stateDir } });
    assert.equal(code, 1);
    assert.match(out, /^people are served, DEGRADED: NATS is stopped/);
    for (const line of out.split('\n')) assert(line.length <= 80, line);
  } finally {
    await stack.process('nats').resume();
  }
});

test('the limiter away', async () => {
  await stack.process('redis-limits').pause();
  try {
    await told('LimiterAway', 'redis-limits');
  } finally {
    await stack.process('redis-limits').resume();
  }
});

test('watched without a terminal, status prints a block or a line each time', async () => {
  const env = { OXO_STATE_DIR: stateDir };
  const [text, json] = await Promise.all([
    oxo(['status', '--watch', '1', '--times', '2'], { env }),
    oxo(['status', '--watch', '1', '--times', '2', '--json'], { env }),
  ]);
  assert.equal(text.code, 0, text.err);
  assert.equal(text.out.match(/^people are /gm)?.length, 2);
  assert(!text.out.includes('\u001b'));
  const [, second] = json.out.trim().split('\n');
  assert.equal(JSON.parse(second ?? '').processes.length, stack.processes().length);
  for (const args of [['5'], ['--times', '2'], ['--watch', '0']]) {
    assert.equal((await oxo(['status', ...args], { env })).code, 2, args.join(' '));
  }
});

test('a full disk', async (t) => {
  const disk = mountSmallDisk(400);
  if (disk === undefined) return t.skip('may not mount');
  const full = await startStack({ stateDir: disk.path, portBase: await findFreePortBase(), serversOnly: true });
  try {
    disk.fill();
    const { ready, summary } = await told('WritesRefusedDiskFull', undefined, disk.path);
    assert.equal(ready, false);
    assert.match(summary, /disk is full/);
    disk.free();
  } finally {
    await full.stop();
    disk.unmount();
  }
});

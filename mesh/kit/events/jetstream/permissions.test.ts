import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { createBroadcastConsumer } from '#kit/events/consumers/broadcast-consumer.ts';
import { listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { defineDurable } from '#kit/events/consumers/durables.ts';
import { on } from '#kit/events/consumers/handlers.ts';
import { createWorkConsumer } from '#kit/events/consumers/work-consumer.ts';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import { natsPermissions } from '#kit/events/jetstream/permissions.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { makeEvent, quiet, sessionRevoked, startBus, type TestBus, testEvent } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

const feedFanout = defineDurable({ name: 'feed-fanout', subjects: ['post.created'], maxDeliver: 1 });
const postCleanup = defineDurable({ name: 'post-cleanup', subjects: ['user.deleted', 'user.updated'] });

async function startWithUsers(t: test.TestContext): Promise<TestBus> {
  const users = {
    auth: natsPermissions({ service: 'auth', publishes: ['session.revoked'], durables: [] }),
    post: natsPermissions({ service: 'post', publishes: ['post.>', 'like.>'], durables: [postCleanup] }),
    feed: natsPermissions({ service: 'feed', publishes: [], durables: [feedFanout] }),
  };
  const bus = await startBus({ durables: [feedFanout, postCleanup], users });
  t.after(bus.stop);
  return bus;
}

async function countEvents(bus: TestBus, stream = 'EVENTS'): Promise<number> {
  return (await (await jetstreamManager(bus.admin.connection)).streams.info(stream)).state.messages;
}

test('the permissions suffice for all that the kit does', async (t) => {
  const bus = await startWithUsers(t);
  const [auth, post, feed] = [await bus.connect('auth'), await bus.connect('post'), await bus.connect('feed')];
  const refused: Error[] = [];
  for (const user of [auth, post, feed]) user.onError((error) => refused.push(error));

  const created: string[] = [];
  const revoked: string[] = [];
  const metrics = createMetrics();
  const handler = on(testEvent, ({ sessionId }) => {
    if (sessionId === 'bad') throw new Error('bad');
    created.push(sessionId);
  });
  const work = createWorkConsumer({ nats: feed, durable: feedFanout, handlers: [handler], logger: quiet, metrics });
  const broadcast = createBroadcastConsumer({
    nats: feed,
    stream: 'REVOCATIONS',
    handlers: [on(sessionRevoked, ({ sessionId }) => void revoked.push(sessionId))],
    logger: quiet,
    metrics,
  });
  const authPublisher = createPublisher({ nats: auth, source: 'auth', logger: quiet });
  const postPublisher = createPublisher({ nats: post, source: 'post', logger: quiet });
  assert.equal((await authPublisher.publish([makeEvent('before', 'session.revoked')])).length, 1);
  work.start();
  await broadcast.start();
  assert.equal((await authPublisher.publish([makeEvent('after', 'session.revoked')])).length, 1);
  assert.equal((await postPublisher.publish([makeEvent('good'), makeEvent('bad')])).length, 2);
  await until('the events', () => created.length === 1 && revoked.length === 2);
  await until('the dead letter', async () => (await listDeadLetters(bus.admin.connection, 5)).length === 1);
  assert.match(await metrics.render(), /oxo_consumer_lag\{consumer="feed-fanout"\} 0/);
  await work.stop();
  await broadcast.stop();
  assert.deepEqual(refused, []);
});

/** Waits for the server's refusal of what the user does, an error that names the subject. */
async function refusal(what: string, user: NatsBus, subject: RegExp, attempt: () => unknown): Promise<void> {
  const refusals: string[] = [];
  const end = user.onError((error) => refusals.push(error.message));
  await Promise.resolve(attempt()).catch(() => undefined);
  await until(`${what} is refused`, () => refusals.some((message) => subject.test(message)));
  end();
}

test("a user is refused another's subjects, consumers and inbox", async (t) => {
  const bus = await startWithUsers(t);
  const post = await bus.connect('post');
  const manager = await jetstreamManager(post.connection, { checkAPI: false, timeout: 500 });
  const js = jetstream(post.connection, { timeout: 500 });
  const publish = (subject: string) => () => post.connection.publish(subject, 'x');
  const attempts: [string, RegExp, () => unknown][] = [
    ['publish for another', /user\.updated/, publish('user.updated')],
    ['publish a revocation', /session\.revoked/, publish('session.revoked')],
    ['replay an event', /replay\.feed-fanout/, publish('replay.feed-fanout.post.created')],
    ['publish a broadcast', /broadcast/, publish('broadcast.REVOCATIONS.session.revoked')],
    ['publish an advisory', /ADVISORY/, publish('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.EVENTS.feed-fanout')],
    ["read another's consumer", /MSG\.NEXT/, publish('$JS.API.CONSUMER.MSG.NEXT.EVENTS.feed-fanout')],
    ["see another's consumer", /CONSUMER\.INFO/, () => js.consumers.get('EVENTS', 'feed-fanout')],
    ['acknowledge for another', /JS\.ACK/, publish('$JS.ACK.EVENTS.feed-fanout.1.1.1.1.0')],
    ["delete another's consumer", /CONSUMER\.DELETE/, () => manager.consumers.delete('EVENTS', 'feed-fanout')],
    [
      'make a consumer',
      /CONSUMER/,
      () => manager.consumers.add('EVENTS', { durable_name: 'post-more', ack_policy: 'explicit' }),
    ],
    ['make an ephemeral consumer', /CONSUMER/, () => manager.consumers.add('REVOCATIONS', { ack_policy: 'none' })],
    ['read events one by one', /STREAM\.MSG\.GET/, () => manager.streams.getMessage('EVENTS', { seq: 1 })],
    ['delete a stream', /STREAM\.DELETE/, () => manager.streams.delete('EVENTS')],
    ['empty a stream', /STREAM\.PURGE/, () => manager.streams.purge('EVENTS')],
    [
      'hear events as they are published',
      /user\.>/,
      () => post.connection.subscribe('user.>', { callback: () => undefined }),
    ],
    [
      "hear another's answers",
      /_INBOX_feed/,
      () => post.connection.subscribe('_INBOX_feed.>', { callback: () => undefined }),
    ],
  ];
  for (const [what, subject, attempt] of attempts) await refusal(what, post, subject, attempt);
  assert.equal(await countEvents(bus), 0);
});

test('a copy that a reader has the server send under another name is no event', async (t) => {
  const bus = await startWithUsers(t);
  const [auth, post] = [await bus.connect('auth'), await bus.connect('post')];
  const publisher = createPublisher({ nats: auth, source: 'auth', logger: quiet });
  const disguised = { ...makeEvent('forged', 'session.revoked') };
  await publisher.publish([disguised]);
  // In the account of the streams the answer to a read goes wherever the reader says.
  const reader = bus.admin.connection;
  reader.publish('$JS.API.DIRECT.GET.REVOCATIONS', '{"seq":1}', { reply: 'user.deleted' });
  reader.publish('$JS.API.STREAM.INFO.REVOCATIONS', '', { reply: 'user.updated' });
  await until('both are stored', async () => (await countEvents(bus)) === 2);

  const handled: string[] = [];
  const handlers = postCleanup.subjects.map((subject) =>
    on({ ...testEvent, subject }, () => void handled.push(subject)),
  );
  const work = createWorkConsumer({
    nats: post,
    durable: postCleanup,
    handlers,
    logger: quiet,
    metrics: createMetrics(),
  });
  assert.equal(await work.processAll(), 2);
  assert.deepEqual(handled, []);
  const letters = await until('two dead letters', async () => {
    const found = await listDeadLetters(bus.admin.connection, 5);
    return found.length === 2 && found;
  });
  assert.deepEqual(letters.map(({ reason }) => reason).sort(), [
    'EnvelopeError: a copy read from a stream, not a published event',
    'EnvelopeError: no headers',
  ]);
});

test('a pulled event sent under another name keeps the name that it was published under', async (t) => {
  const bus = await startWithUsers(t);
  const [post, feed] = [await bus.connect('post'), await bus.connect('feed')];
  await createPublisher({ nats: post, source: 'post', logger: quiet }).publish([makeEvent('forged')]);
  const revoked: string[] = [];
  const broadcast = createBroadcastConsumer({
    nats: feed,
    stream: 'REVOCATIONS',
    handlers: [on(sessionRevoked, ({ sessionId }) => void revoked.push(sessionId))],
    logger: quiet,
    metrics: createMetrics(),
  });
  const pull = JSON.stringify({ batch: 1, expires: nanos(1_000) });
  const reader = bus.admin.connection;
  reader.publish('$JS.API.CONSUMER.MSG.NEXT.EVENTS.feed-fanout', pull, { reply: 'session.revoked' });
  await until('it is stored', async () => (await countEvents(bus, 'REVOCATIONS')) === 1);
  await broadcast.start();
  await broadcast.stop();
  assert.deepEqual(revoked, []);
});

test('an answer goes to whoever asked and not to where it says', async (t) => {
  const bus = await startWithUsers(t);
  const [auth, feed] = [await bus.connect('auth'), await bus.connect('feed')];
  await createPublisher({ nats: auth, source: 'auth', logger: quiet }).publish([makeEvent('gone', 'session.revoked')]);
  const asked = [
    ['$JS.API.DIRECT.GET.REVOCATIONS', '{"seq":999999}'],
    ['$JS.API.STREAM.INFO.REVOCATIONS', ''],
    ['$JS.API.CONSUMER.MSG.NEXT.EVENTS.feed-fanout', '{"batch":1,"no_wait":true}'],
  ];
  const replies = ['post.created', '$JS.API.STREAM.PURGE.REVOCATIONS', '$JS.API.STREAM.DELETE.EVENTS'];
  for (const reply of replies) {
    for (const [subject = '', body] of asked) feed.connection.publish(subject, body, { reply });
  }
  await feed.connection.request('$JS.API.STREAM.INFO.REVOCATIONS');
  await bus.admin.connection.request('$JS.API.INFO');
  assert.deepEqual([await countEvents(bus), await countEvents(bus, 'REVOCATIONS')], [0, 1]);
});

test('a consumer of another service cannot be asked for', () => {
  assert.throws(() => natsPermissions({ service: 'post', publishes: [], durables: [feedFanout] }), /does not belong/);
});

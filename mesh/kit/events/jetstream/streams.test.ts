import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { defineDurable, ensureDurables } from '#kit/events/consumers/durables.ts';
import { ensureStreams, STREAMS } from '#kit/events/jetstream/streams.ts';
import { startBus } from '#kit/testing/bus.ts';

test('streams are made once, changed when they differ, and left alone otherwise', async (t) => {
  const { admin, stop } = await startBus();
  t.after(stop);
  const manager = await jetstreamManager(admin.connection);
  for (const { name, subjects } of STREAMS) {
    const { config } = await manager.streams.info(name);
    assert.deepEqual(config.subjects, subjects);
    assert.equal(config.storage, 'file');
  }
  // Nothing is asked of the server but what there is.
  const requests: string[] = [];
  const watch = admin.connection.subscribe('$JS.API.STREAM.>', {
    callback: (_, { subject }) => void requests.push(subject),
  });
  await ensureStreams(admin.connection);
  assert.deepEqual(
    requests.filter((subject) => !subject.includes('.INFO.')),
    [],
  );
  watch.unsubscribe();

  await ensureStreams(admin.connection, { maxBytes: 10_000_000 });
  assert.equal((await manager.streams.info('EVENTS')).config.max_bytes, 10_000_000);
});

test('durables are made, changed and left alone in the same way', async (t) => {
  const first = defineDurable({ name: 'feed-fanout', subjects: ['post.created'] });
  const { admin, stop } = await startBus({ durables: [first] });
  t.after(stop);
  const manager = await jetstreamManager(admin.connection);
  const readConfig = async () => (await manager.consumers.info('EVENTS', 'feed-fanout')).config;
  assert.equal((await readConfig()).max_ack_pending, 256);
  await ensureDurables(admin.connection, [first]);
  const changes = { maxAckPending: 10, maxDeliver: 30, ackWaitMs: 10_000 };
  const second = defineDurable({ name: 'feed-fanout', subjects: ['post.created', 'post.deleted'], ...changes });
  await ensureDurables(admin.connection, [second]);
  assert.deepEqual((await readConfig()).filter_subjects, [
    ...['post.created', 'post.deleted'],
    ...['replay.feed-fanout.post.created', 'replay.feed-fanout.post.deleted'],
  ]);
  const { max_ack_pending, max_deliver, ack_wait } = await readConfig();
  assert.deepEqual([max_ack_pending, max_deliver, ack_wait], [10, 30, nanos(10_000)]);
  await ensureDurables(admin.connection, [first]);
  assert.deepEqual((await readConfig()).filter_subjects, ['post.created', 'replay.feed-fanout.post.created']);
});

test('a name that is a pattern is refused', () => {
  assert.throws(() => defineDurable({ name: 'feed-*', subjects: ['post.created'] }), /cannot be the name/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { timeOfId } from '#kit/ids.ts';
import { makeEvent, quiet, startBus } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

test('stores a batch in order, with its headers', async (t) => {
  const bus = await startBus();
  t.after(bus.stop);
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  const events = Array.from({ length: 256 }, (_, i) => makeEvent(`text ${i}`, 'post.created', i));
  assert.deepEqual(
    await publisher.publish(events),
    events.map(({ eventId }) => eventId),
  );
  const manager = await jetstreamManager(bus.admin.connection);
  assert.equal((await manager.streams.info('EVENTS')).state.messages, 256);
  for (const index of [0, 100, 255]) {
    const stored = await manager.streams.getMessage('EVENTS', { seq: index + 1 });
    const event = events[index];
    assert.equal(stored?.header.get('ce-id'), event?.eventId);
    assert.equal(stored?.header.get('ce-type'), 'post.created');
    assert.equal(stored?.header.get('ce-source'), 'post');
    assert.equal(stored?.header.get('ce-time'), new Date(timeOfId(event?.eventId ?? '')).toISOString());
    assert.equal(stored?.header.get('oxo-version'), String(index));
    assert.equal(stored?.header.get('x-request-id'), `request-text ${index}`);
    assert.deepEqual(Buffer.from(stored?.data ?? []), Buffer.from(event?.payload ?? []));
  }
  // Published again, as after an acknowledgement that was lost, it is acknowledged and not stored twice.
  assert.equal((await publisher.publish(events.slice(0, 3))).length, 3);
  assert.equal((await manager.streams.info('EVENTS')).state.messages, 256);
});

test('says which events of a batch were not stored', async (t) => {
  const bus = await startBus();
  t.after(bus.stop);
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  const good = [makeEvent('a'), makeEvent('b')];
  const homeless = makeEvent('c', 'nobody.listens');
  const tooLarge = { ...makeEvent('d'), payload: new Uint8Array(2 ** 21) };
  const acknowledged = await publisher.publish(
    [good[0], homeless, tooLarge, good[1]].filter((event) => event !== undefined),
  );
  assert.deepEqual(
    acknowledged,
    good.map(({ eventId }) => eventId),
  );
});

test('a batch fails fast while NATS is away or dies, and goes through afterwards', async (t) => {
  const bus = await startBus();
  t.after(bus.stop);
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet, timeoutMs: 120_000 });
  const events = Array.from({ length: 100 }, (_, i) => makeEvent(`text ${i}`));
  const startedMs = performance.now();
  const [acknowledged] = await Promise.all([publisher.publish(events), bus.server.kill()]);
  await until('the loss is noticed', () => !bus.admin.isConnected());
  assert.deepEqual(await publisher.publish(events), []);
  assert.ok(performance.now() - startedMs < 60_000, 'waits for no time limit');
  await bus.server.restart();
  await until('the connection', () => bus.admin.isConnected());
  const missing = events.filter(({ eventId }) => !acknowledged.includes(eventId));
  await until('all are stored', async () => (await publisher.publish(missing)).length === missing.length);
  const manager = await jetstreamManager(bus.admin.connection);
  assert.equal((await manager.streams.info('EVENTS')).state.messages, 100);
});

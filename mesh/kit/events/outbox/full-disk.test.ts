import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { systemClock } from '#kit/clock.ts';
import { createEffects } from '#kit/events/outbox/effects.ts';
import { createOutbox, insertEvent } from '#kit/events/outbox/outbox.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createRelay } from '#kit/events/outbox/relay.ts';
import { makeEvent, quiet, startBus, testEvent } from '#kit/testing/bus.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '#kit/testing/fixtures/things.ts';
import { mountSmallDisk } from '#kit/testing/small-disk.ts';
import { until } from '#kit/testing/until.ts';

test('while the disk of NATS is full events wait in the outbox; with space and a server that was started again all are stored once', async (t) => {
  const disk = mountSmallDisk();
  if (disk === undefined) return t.skip('needs the right to mount');
  const [database, bus] = await Promise.all([
    createTestDatabase({ entities, migrations }),
    startBus({ storeDir: join(disk.path, 'streams') }),
  ]);
  const effects = createEffects([], quiet);
  const publisher = createPublisher({ nats: bus.admin, source: 'test', logger: quiet, timeoutMs: 500 });
  const { db, url } = database;
  const relay = createRelay({ databaseUrl: url, db, publisher, effects, logger: quiet, pollMs: 50 });
  t.after(async () => {
    await relay.stop();
    await Promise.all([database.close(), bus.stop()]);
    disk.unmount();
  });
  const outbox = createOutbox({ effects, relay, clock: systemClock });
  const post = (text: string) =>
    outbox.commit(
      [],
      (add) =>
        db.transaction((tx) =>
          insertEvent(
            tx,
            add(outbox.row(testEvent, { sessionId: text.repeat(10_000), userId: '' }, { requestId: text })),
          ),
        ),
      async () => undefined,
    );
  const waiting = async () => (await db.query({ name: 'test-outbox', text: 'select 1 from outbox' })).length;
  const stored = async () => {
    const manager = await jetstreamManager(bus.admin.connection);
    return (await manager.streams.info('EVENTS')).state.messages;
  };
  relay.start();
  await post('a');
  await until('the first is stored', async () => (await waiting()) === 0);

  disk.fill();
  for (let index = 0; index < 20; index += 1) await post('b');
  const answer = await publisher.publish([makeEvent('x'.repeat(100_000))]);
  assert.deepEqual(answer, [], 'nothing is acknowledged that is not stored');
  assert.equal(await waiting(), 20);
  // Until then the stream takes nothing: whoever runs the server looks at its /healthz.
  disk.free();
  await bus.server.restart();
  await until('all are published', async () => (await waiting()) === 0);
  assert.equal(await stored(), 21);
});

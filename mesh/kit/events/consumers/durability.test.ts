/**
 * Whatever is killed: an event that was acknowledged to its publisher reaches its handler.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defineDurable } from '#kit/events/consumers/durables.ts';
import { on } from '#kit/events/consumers/handlers.ts';
import { createWorkConsumer } from '#kit/events/consumers/work-consumer.ts';
import { createPublisher, type OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { makeEvent, quiet, startBus, testEvent } from '#kit/testing/bus.ts';
import { startNode } from '#kit/testing/process.ts';
import { until } from '#kit/testing/until.ts';

const durable = defineDurable({ name: 'feed-fanout', subjects: ['post.created'], ackWaitMs: 1_000 });
const FIXTURE = fileURLToPath(new URL('../../testing/fixtures/consumer.ts', import.meta.url));

const makeEvents = (count: number): OutgoingEvent[] => Array.from({ length: count }, (_, i) => makeEvent(String(i)));

test('the server is killed again and again under load', async (t) => {
  const bus = await startBus({ durables: [durable] });
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  const handled = new Set<string>();
  const consumer = createWorkConsumer({
    nats: bus.admin,
    durable,
    handlers: [on(testEvent, (_, { id }) => void handled.add(id))],
    logger: quiet,
    metrics: createMetrics(),
  });
  t.after(async () => {
    await consumer.stop();
    await bus.stop();
  });
  consumer.start();

  // As the relay does: what is not acknowledged is published again.
  let waiting = makeEvents(1_500);
  const all = waiting.map(({ eventId }) => eventId);
  const publishing = (async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, 50);
      const acknowledged = new Set(await publisher.publish(batch));
      waiting = waiting.filter(({ eventId }) => !acknowledged.has(eventId));
      if (acknowledged.size < batch.length) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  for (let kill = 1; kill <= 3; kill++) {
    await until('some more are handled', () => handled.size >= kill * 200);
    await bus.server.kill();
    await bus.server.restart();
  }
  await publishing;
  await until('all are handled', () => handled.size === all.length);
  assert.deepEqual([...handled].sort(), all.sort());
});

test('a consumer is killed between work and acknowledgement', async (t) => {
  const bus = await startBus({ durables: [durable] });
  t.after(bus.stop);
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  await publisher.publish(makeEvents(200));
  const victim = await startNode({ args: [FIXTURE], env: { NATS_URL: bus.server.url(), HANG_AT: '31' } });
  await until('it is at work', () => victim.output().includes('handled 30\n'));
  await victim.stop('SIGKILL');
  const begun = new Set(victim.output().match(/handled \d+/g));
  assert.ok(begun.size < 200);

  const heir = await startNode({ args: [FIXTURE], env: { NATS_URL: bus.server.url() } });
  t.after(() => heir.stop('SIGKILL'));
  await until('every event was handled', () => {
    return new Set([...begun, ...(heir.output().match(/handled \d+/g) ?? [])]).size === 200;
  });
  // What the victim had begun and not acknowledged comes again.
  await until('some twice', () => (heir.output().match(/handled \d+/g) ?? []).some((line) => begun.has(line)));
});

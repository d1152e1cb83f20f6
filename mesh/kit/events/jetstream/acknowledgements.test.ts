import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { defineDurable } from '#kit/events/consumers/durables.ts';
import { natsPermissions } from '#kit/events/jetstream/permissions.ts';
import { startBus } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

const feedFanout = defineDurable({ name: 'feed-fanout', subjects: ['user.created'] });
const postCleanup = defineDurable({ name: 'post-cleanup', subjects: ['post.created'] });

test("no answer acknowledges what another's consumer holds", async (t) => {
  const permissions = natsPermissions({ service: 'feed', publishes: [], durables: [feedFanout] });
  const bus = await startBus({ durables: [feedFanout, postCleanup], users: { feed: permissions } });
  t.after(bus.stop);
  const { connection: admin } = bus.admin;
  const { connection: feed } = await bus.connect('feed');
  await jetstream(admin).publish('post.created', 'x');
  const held = await (await jetstream(admin).consumers.get('EVENTS', postCleanup.name)).next({ expires: 1_000 });
  assert(held !== null);
  const { stream, streamSequence: at, deliverySequence } = held.info;
  const reply = `$JS.ACK.${stream}.${postCleanup.name}.1.${at}.${deliverySequence}.1.0`;
  const manager = await jetstreamManager(admin);
  const pending = async () => (await manager.consumers.info('EVENTS', postCleanup.name)).num_ack_pending;
  const asked = [
    ['$JS.API.DIRECT.GET.REVOCATIONS', '{"seq":999999}'],
    ['$JS.API.CONSUMER.MSG.NEXT.EVENTS.feed-fanout', '{"batch":1,"no_wait":true}'],
    ['$JS.ACK.EVENTS.feed-fanout.1.1.1.1.0', '+ACK'],
  ];
  // The server leaves a reply of this kind as it is.
  for (const [subject = '', body] of asked) feed.publish(subject, body, { reply });
  await feed.request('$JS.API.CONSUMER.INFO.EVENTS.feed-fanout');
  assert.equal(await pending(), 1);
  admin.publish(reply, '+ACK');
  await until('the administrator acknowledges', async () => (await pending()) === 0);
});

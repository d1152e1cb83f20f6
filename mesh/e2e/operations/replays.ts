import assert from 'node:assert/strict';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { systemClock } from '#kit/clock.ts';
import { listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { connectNats, type NatsBus } from '#kit/events/jetstream/nats.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { quiet } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';
import { type Result, oxo as runOxo } from '../../local/testing/command.ts';
import type { Cases } from '../testing/cases.ts';
import { beginWriting, gather, requireDelivered, untilMore } from '../testing/crowd.ts';
import type { World } from '../testing/world.ts';

export const replays: Cases = {
  'outbox replay delivers everything again while people write: nothing is lost or twice': async (world) => {
    const crowd = await gather(world.api, 2, 3);
    const writing = beginWriting(world.api, crowd.authors, 'replayed');
    await untilMore(writing, 40);
    const { code, out, err } = await oxo(world, 'outbox', 'replay', '--since', '1h', '--schema', 'posts');
    await untilMore(writing, 10);
    const written = await writing.stop();
    assert.equal(code, 0, `${out}${err}`);
    const [, delivered] = /feed-fanout (\d+)/.exec(out) ?? [];
    assert.ok(Number(delivered) >= 40, out);
    await world.settled();
    await requireDelivered(world.api, crowd, written);
  },

  'a dead letter that is replayed reaches its consumer, fails again, and is dropped': async (world) => {
    const nats = await connectNats({ url: world.stack.urls.nats, name: 'test', logger: quiet });
    try {
      const eventId = await publishWithoutAuthor(nats);
      const first = await letterOf(nats, eventId);
      assert.match((await oxo(world, 'dead-letters', 'show', String(first))).out, /a post without author or time/);
      assert.match((await oxo(world, 'dead-letters', 'replay', String(first))).out, /1 replayed/);
      const second = await letterOf(nats, eventId, first);
      assert.match((await oxo(world, 'dead-letters', 'drop', String(second), '--yes')).out, /1 dropped/);
      await world.settled();
    } finally {
      await nats.close();
    }
  },
};

function oxo({ stateDir }: World, ...args: string[]): Promise<Result> {
  return runOxo(args, { env: { OXO_STATE_DIR: stateDir } });
}

/** What the fan-out refuses. */
async function publishWithoutAuthor(nats: NatsBus): Promise<string> {
  const publisher = createPublisher({ nats, source: 'post', logger: quiet });
  const eventId = newId(systemClock.nowMs());
  const payload = PostCreated.encode(PostCreated.fromPartial({ post: { id: eventId } })).finish();
  await publisher.publish([{ eventId, version: 1, subject: 'post.created', payload, headers: {} }]);
  publisher.close();
  return eventId;
}

/** Waits for the letter of an event that is newer than another of it. */
function letterOf(nats: NatsBus, eventId: string, after = 0): Promise<number> {
  return until('the dead letter', async () => {
    const letters = await listDeadLetters(nats.connection, 100);
    return letters.find((letter) => letter.eventId === eventId && letter.id > after)?.id ?? false;
  });
}

import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { beginWriting, gather, requireDelivered, untilMore } from '../testing/crowd.ts';
import { edit, feedTexts, type Person, post, remove, unfollow } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

const natsAwayMs = 10_000;
const postgresAwayMs = 2_000;

/** The servers under the services go away and come back. */
export const brokers: Cases = {
  'NATS away for ten seconds: posts are acknowledged meanwhile, and are all in the feeds afterwards': async (world) => {
    const { api } = world;
    const crowd = await gather(api, 2, 3);
    const [author, reader] = [crowd.authors[0], crowd.followers[0]] as [Person, Person];
    const [doomed, changed] = [await post(api, author, 'doomed'), await post(api, author, 'before')];
    await world.settled();
    const writing = beginWriting(api, crowd.authors, 'nats', 1);
    await untilMore(writing, 5);
    await world.outage('nats', natsAwayMs, async () => {
      await untilMore(writing, 30);
      // What needs no event is true at once all the same.
      const own = await post(api, author, 'in my own feed at once');
      assert.ok((await feedTexts(api, author)).includes(own.text));
      await remove(api, author, own);
      await remove(api, author, doomed);
      await edit(api, author, changed, { text: 'after' });
      const texts = await feedTexts(api, reader);
      assert.ok(!texts.includes('doomed') && !texts.includes('before') && texts.includes('after'));
      await unfollow(api, reader, author);
      assert.ok(!(await feedTexts(api, reader)).some((text) => text.includes(author.handle)));
    });
    await untilMore(writing, 5);
    const written = await writing.stop();
    assert.deepEqual(written.doubtful, [], 'every post was acknowledged');
    await world.settled();
    await remove(api, author, changed);
    const followers = crowd.followers.filter((follower) => follower !== reader);
    await requireDelivered(api, { ...crowd, followers }, written);
    const others = (await feedTexts(api, reader)).filter((text) => !text.includes(author.handle));
    assert.deepEqual((await feedTexts(api, reader)).length, others.length, 'the unfollow holds');
  },

  'NATS hangs: posts are acknowledged, and are all in the feeds when it goes on': async (world) => {
    const crowd = await gather(world.api, 2, 2);
    const writing = beginWriting(world.api, crowd.authors, 'hang', 1);
    await untilMore(writing, 5);
    const nats = world.stack.process('nats');
    nats.kill('SIGSTOP');
    try {
      await untilMore(writing, 30);
    } finally {
      nats.kill('SIGCONT');
    }
    await untilMore(writing, 5);
    const written = await writing.stop();
    assert.deepEqual(written.doubtful, []);
    await world.settled();
    await requireDelivered(world.api, crowd, written);
  },

  'Postgres killed with -9: errors tell to try again meanwhile, all that was acknowledged is there': async (world) => {
    const { api } = world;
    const crowd = await gather(api, 3, 3);
    const [author, reader] = [crowd.authors[0], crowd.followers[0]] as [Person, Person];
    const before = restartsOf(world);
    const writing = beginWriting(api, crowd.authors, 'postgres');
    await untilMore(writing, 20);
    await world.outage('postgres', postgresAwayMs, async () => {
      const requests = [
        { method: 'POST', path: '/posts', token: author.accessToken, body: { text: 'lost' } },
        { method: 'PATCH', path: '/users/me', token: author.accessToken, body: { bio: 'lost' } },
        { method: 'PUT', path: `/users/${author.id}/follow`, token: reader.accessToken },
        { path: `/users/${author.id}/posts` },
        { method: 'POST', path: '/auth/login', body: { identifier: author.handle, password: author.password } },
      ] as const;
      const errors = await Promise.all(requests.map((request) => refusal(api, request)));
      for (const { message, status, reason } of errors) {
        assert.deepEqual([status, reason], [503, 'UNAVAILABLE'], message);
      }
    });
    await untilMore(writing, 20);
    const written = await writing.stop();
    await world.settled();
    await requireDelivered(api, crowd, written);
    assert.deepEqual(restartsOf(world), before, 'no service dies because Postgres does');
  },
};

function restartsOf({ stack }: World): Record<string, number> {
  const services = stack.processes().filter(({ name }) => name !== 'postgres');
  return Object.fromEntries(services.map(({ name, restarts }) => [name, restarts]));
}

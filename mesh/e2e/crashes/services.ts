import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { beginWriting, gather, requireDelivered, untilMore } from '../testing/crowd.ts';
import { feedTexts, follow, type Person, post, signUpAll, unfollow } from '../testing/people.ts';

/** Each service is killed that often while requests are under way: a kill hits another moment each time. */
const kills = 3;
/** Long enough for the user service to see who has crossed the limit. */
const waverMs = 1_500;

/** Authors with more followers are pulled: those of the first crowd are not, those who cross the limit are. */
export const pushedFollowers = 5;

/** Tries again while the service is away, as a client does. */
async function insist(work: () => Promise<unknown>): Promise<void> {
  await until('the request is answered', () => work().then(() => true));
}

/** A service is killed while it works, and started again by the supervisor. */
export const services: Cases = {
  'post, feed and user service killed in turn while posts are made: the acknowledged are in every feed, once': async (
    world,
  ) => {
    const crowd = await gather(world.api, 3, 4);
    const writing = beginWriting(world.api, crowd.authors, 'kill');
    for (const service of ['post', 'feed', 'post', 'user', 'feed', 'post']) {
      await untilMore(writing, 10);
      await world.kill(service);
    }
    await untilMore(writing, 10);
    const written = await writing.stop();
    await world.settled();
    await requireDelivered(world.api, crowd, written);
  },

  'services killed while authors cross the limit of followers in both directions: the acknowledged are in every feed, once':
    async (world) => {
      const { api } = world;
      // Three go and come back: seven followers are too many to be pushed to, four are few again.
      const crowd = await gather(api, 2, 4);
      const wavering = await signUpAll(api, 3);
      let stopped = false;
      const waver = async (person: Person): Promise<void> => {
        while (!stopped) {
          for (const author of crowd.authors) await insist(() => follow(api, person, author));
          await delay(waverMs);
          for (const author of crowd.authors) await insist(() => unfollow(api, person, author));
          await delay(waverMs);
        }
      };
      const wave = Promise.all(wavering.map(waver));
      const writing = beginWriting(api, crowd.authors, 'cross');
      for (const service of ['user', 'post', 'feed', 'user']) {
        await untilMore(writing, 10);
        await delay(waverMs);
        await world.kill(service);
      }
      await untilMore(writing, 10);
      stopped = true;
      const written = await writing.stop();
      await wave;
      await world.settled();
      await requireDelivered(api, crowd, written);
    },

  'user service killed while people follow and unfollow: feeds and counts are those of the follows that hold': async (
    world,
  ) => {
    const { api } = world;
    const [author, ...readers] = (await signUpAll(api, 7)) as [Person, ...Person[]];
    await post(api, author, 'for those who follow');
    const rounds = 12;
    let done = 0;
    const turn = async (reader: Person, index: number): Promise<void> => {
      // Half of them end as followers.
      for (let round = 0; round < rounds + (index % 2); round += 1) {
        await insist(() => (round % 2 === 0 ? follow(api, reader, author) : unfollow(api, reader, author)));
        done += 1;
      }
    };
    const turning = Promise.all(readers.map(turn));
    for (let time = 0; time < kills; time += 1) {
      const before = done;
      await until('follows go on', () => done >= before + 8);
      await world.kill('user');
    }
    await turning;
    const expected = readers.map((_, index) => (index % 2 === 1 ? ['for those who follow'] : []));
    assert.deepEqual(await Promise.all(readers.map((reader) => feedTexts(api, reader))), expected);
    await world.settled();
    assert.deepEqual(await Promise.all(readers.map((reader) => feedTexts(api, reader))), expected);
    const { user } = await api.get<{ user: { followersCount: number } }>({ path: `/users/${author.id}` });
    assert.equal(user.followersCount, expected.flat().length);
  },

  'auth service killed while people register: each who was answered can sign in': async (world) => {
    const { api } = world;
    const signedUp: Person[] = [];
    let stopped = false;
    const register = async (): Promise<void> => {
      while (!stopped) {
        const people = await signUpAll(api, 1).catch((error: { status?: number }) => {
          assert.equal(error.status, 503);
          return [];
        });
        signedUp.push(...people);
      }
    };
    const registering = Promise.all([register(), register(), register()]);
    for (let time = 0; time < kills; time += 1) {
      const before = signedUp.length;
      await until('people register', () => signedUp.length >= before + 3);
      await world.kill('auth');
    }
    stopped = true;
    await registering;
    for (const { handle, password, id } of signedUp) {
      const body = { identifier: handle, password };
      const login = await api.get<{ user: { id: string } }>({ method: 'POST', path: '/auth/login', body });
      assert.equal(login.user.id, id);
    }
  },
};

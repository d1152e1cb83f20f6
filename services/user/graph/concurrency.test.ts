import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserFollowed } from '#gen/oxo/user/v1/user_events.ts';
import { counts, followEvents } from '../testing/graph.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const CHECK = {
  name: 'test-check-counts',
  text: `select id from users u where following_count <> (select count(*) from follows where follower_id = u.id)
    or (select coalesce(sum(followers), 0) from follower_counts where user_id = u.id)
      <> (select count(*) from follows where followee_id = u.id)`,
};

/** The counts are those of the edges, and the newest event of each edge says whether it is there. */
async function assertConsistent(): Promise<void> {
  assert.deepEqual(await service.db.query(CHECK), []);
  const edges = await service.db.query<{ edge: string }>({
    name: 'test-edges',
    text: "select follower_id || ' ' || followee_id as edge from follows order by 1",
  });
  const newest = new Map<string, string>();
  for (const { subject, payload } of await service.events()) {
    if (subject !== 'user.followed' && subject !== 'user.unfollowed') continue;
    const { followerId, followeeId } = UserFollowed.decode(payload);
    newest.set(`${followerId} ${followeeId}`, subject);
  }
  const followed = [...newest].filter(([, subject]) => subject === 'user.followed').map(([edge]) => edge);
  assert.deepEqual(
    followed.toSorted(),
    edges.map(({ edge }) => edge),
  );
}

const repeated = (times: number, make: (index: number) => Promise<unknown>) =>
  Promise.all(Array.from({ length: times }, (_, index) => make(index)));

test('50 follows of one pair at once are one follow, 50 unfollows one unfollow', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await repeated(50, () => service.as(ann).follow({ id: bob }));
  assert.deepEqual(await counts(service, bob), { followers: 1, following: 0 });
  assert.equal((await followEvents(service, ann)).length, 1);
  await repeated(50, () => service.as(ann).unfollow({ id: bob }));
  assert.deepEqual(await counts(service, bob), { followers: 0, following: 0 });
  assert.equal((await followEvents(service, ann)).length, 2);
  await assertConsistent();
});

test('follows and unfollows of one pair at once leave state, counts and events that agree', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  for (let round = 0; round < 4; round += 1) {
    await repeated(50, (index) =>
      index % 2 === 0 ? service.as(ann).follow({ id: bob }) : service.as(ann).unfollow({ id: bob }),
    );
    await assertConsistent();
  }
});

test('people who follow each other at once do not deadlock', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, () => service.addUser()));
  const person = (index: number) => ids[index % ids.length] ?? '';
  for (let round = 0; round < 3; round += 1) {
    await repeated(200, (index) => {
      const [from, to] = [person(index), person(index + 1 + (index % 5))];
      const client = service.as(from);
      return (index + round) % 3 === 0 ? client.unfollow({ id: to }) : client.follow({ id: to });
    });
    await assertConsistent();
  }
});

test('the followers of a popular user are counted exactly', async () => {
  const star = await service.addUser();
  const fans = await Promise.all(Array.from({ length: 60 }, () => service.addUser()));
  await Promise.all(fans.map((fan) => service.as(fan).follow({ id: star })));
  assert.deepEqual(await counts(service, star), { followers: 60, following: 0 });
  await Promise.all(fans.slice(0, 25).map((fan) => service.as(fan).unfollow({ id: star })));
  assert.deepEqual(await counts(service, star), { followers: 35, following: 0 });
  await assertConsistent();
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserFollowsErased } from '#gen/oxo/user/v1/user_events.ts';
import { DAY_MS, HOUR_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { startBus, type TestBus } from '#kit/testing/bus.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { counts, followVersion } from '../testing/graph.ts';
import { ERASE_AFTER_MS, HANDLE_KEPT_MS, startUserService, type TestUserService } from '../testing/user-service.ts';
import { createEraseFollows } from './erase-follows.ts';
import { ERASING_SERVICES } from './erasure.ts';

let service: TestUserService;
let bus: TestBus;
before(async () => {
  [service, bus] = await Promise.all([startUserService({ maxFollowees: 10_000 }), startBus()]);
});
after(async () => {
  await service.close();
  await bus.stop();
});

const run = <Row>(name: string, text: string, values: unknown[] = []) =>
  service.db.query<Row>({ name: `test-${name}`, text }, values);

/** Strangers who follow the user, and as many whom the user follows, with their counts; as the table holds them after a year. */
async function addCrowd(userId: string, count: number): Promise<void> {
  const part = '(get_byte(uuid_send($1::uuid), 15) & 15)';
  await run(
    'crowd',
    `with people as (
        insert into users (id, handle, display_name, following_count, created_at_ms, version)
        select gen_random_uuid(), 'c' || substr(md5($1 || n::text), 1, 20), '', 1, 0, 0 from generate_series(1, $2::integer) n
        returning id),
      edges as (
        insert into follows (follower_id, followee_id, created_at_ms, version)
        select id, $1::uuid, 0, 0 from people union all select $1::uuid, id, 0, 0 from people),
      theirs as (insert into follower_counts (user_id, slot, followers) select id, ${part}, 1 from people),
      own as (
        insert into follower_counts (user_id, slot, followers)
        select $1::uuid, get_byte(uuid_send(id), 15) & 15, count(*) from people group by 2)
      update users set following_count = $2 where id = $1::uuid`,
    [userId, count],
  );
}

/** The counts are those of the edges that are there, and so is what is shown of them. */
async function assertConsistent(): Promise<void> {
  const wrong = await run(
    'check',
    `select id from users u where following_count <> (select count(*) from follows where follower_id = u.id)
      or (select coalesce(sum(followers), 0) from follower_counts where user_id = u.id)
        <> (select count(*) from follows where followee_id = u.id)`,
  );
  assert.deepEqual(wrong, []);
}

const edgesOf = async (userId: string) =>
  (await run('edges', 'select 1 from follows where $1::uuid in (follower_id, followee_id)', [userId])).length;

async function deletionOf(userId: string) {
  const [row] = await run<{ handle: string | null; graph: number | null; erased: number | null }>(
    'deletion',
    `select handle, graph_erased_at_ms::float8 as graph, erased_at_ms::float8 as erased from deletions where user_id = $1`,
    [userId],
  );
  return row;
}

/** With a token of now: the clock has moved on. */
const startedAnew = async (name: string) => service.internalWithToken(await service.issuer.serviceToken(name));

async function eraseDue(afterMs = 0): Promise<void> {
  service.clock.advance(afterMs);
  await service.inBackground('erasure');
}

test('the follows go when the time has come, with the counts and versions of all whom they concern', async () => {
  const [ann, bob, cleo] = [await service.addUser(), await service.addUser(), await service.addUser()];
  await addCrowd(ann, 1_200);
  await service.as(ann).follow({ id: bob });
  await service.as(cleo).follow({ id: ann });
  await service.as(cleo).follow({ id: bob });
  const version = await followVersion(service, cleo);
  await service.as(ann).deleteMe({});
  const edges = await edgesOf(ann);
  assert.equal(edges, 2_402);

  await eraseDue(ERASE_AFTER_MS - 5_000);
  assert.equal(await edgesOf(ann), edges, 'what began before the deletion may still be under way');
  await eraseDue(5_000);
  assert.equal(await edgesOf(ann), 0);
  await assertConsistent();
  assert.deepEqual(await counts(service, bob), { followers: 1, following: 0 });
  assert.deepEqual(await counts(service, cleo), { followers: 0, following: 1 });
  assert.notEqual(await followVersion(service, cleo), version);
  assert.deepEqual(await run('parts', 'select 1 from follower_counts where user_id = $1', [ann]), []);
  assert.ok((await deletionOf(ann))?.graph);
  const events = (await service.events()).filter(({ subject }) => subject === 'user.follows_erased');
  const told = events.map(({ payload }) => UserFollowsErased.decode(payload)).filter(({ userId }) => userId === ann);
  assert.equal(told.flatMap(({ followerIds }) => followerIds).length, 1_201);
  assert.equal(told.flatMap(({ followeeIds }) => followeeIds).length, 1_201);
  assert.ok(told.every(({ followerIds, followeeIds }) => followerIds.length + followeeIds.length <= 500));
});

test('a kill in the midst: what is done is whole, what people see stays right, and the next run goes on', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await addCrowd(ann, 1_200);
  await service.as(bob).follow({ id: ann });
  await service.as(ann).deleteMe({});
  const before = await followVersion(service, bob);
  let transactions = 0;
  const dying: Database = {
    ...service.db,
    async transaction(work) {
      transactions += 1;
      if (transactions > 5) throw new Error('killed');
      return service.db.transaction(work);
    },
  };
  // Nothing after a commit is done either: that is left to the relay.
  const followVersions = { erased: () => Promise.reject(new Error('killed')) };
  const erase = createEraseFollows({ db: dying, outbox: service.outbox, followVersions });
  await assert.rejects(erase(ann, { requestId: 'r1' }), /killed/);
  const left = await edgesOf(ann);
  assert.ok(left > 0 && left < 2_401, `${left} edges`);
  await assertConsistent();
  assert.deepEqual(await counts(service, bob), { followers: 0, following: 0 });

  await eraseDue(ERASE_AFTER_MS);
  assert.equal(await edgesOf(ann), 0);
  await assertConsistent();
  assert.deepEqual(await counts(service, bob), { followers: 0, following: 0 });
  let outbox = await service.events();
  await until('the relay has repeated what is due', async () => {
    await service.relay(bus.admin);
    outbox = await service.events();
    return outbox.length === 0;
  });
  assert.notEqual(await followVersion(service, bob), before);
});

test('two who followed each other, and both are deleted; several processes at once', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await addCrowd(ann, 600);
  await addCrowd(bob, 600);
  await service.as(ann).follow({ id: bob });
  await service.as(bob).follow({ id: ann });
  await Promise.all([service.as(ann).deleteMe({}), service.as(bob).deleteMe({})]);
  service.clock.advance(ERASE_AFTER_MS);
  await until('both are erased', async () => {
    await Promise.all([eraseDue(), eraseDue(), eraseDue()]);
    return (await edgesOf(ann)) + (await edgesOf(bob)) === 0;
  });
  await assertConsistent();
  await eraseDue();
  for (const id of [ann, bob]) assert.ok((await deletionOf(id))?.graph);
});

test('when all services have confirmed and its time is over, the handle is a hash that keeps it taken, and only the proof is left', async () => {
  const ann = await service.addUser('leaving');
  const nobody = newId(1);
  await service.as(ann).deleteMe({});
  await eraseDue(HANDLE_KEPT_MS + ERASE_AFTER_MS);
  const create = async () =>
    (await startedAnew('auth')).createUser({ id: newId(Date.now()), handle: 'leaving', displayName: '' });
  for (const name of ERASING_SERVICES) {
    assert.equal((await deletionOf(ann))?.handle, 'leaving', `before ${name} has confirmed`);
    await assert.rejects(create(), refused('HANDLE_TAKEN'));
    const client = await startedAnew(name);
    for (const userId of [ann, ann, nobody]) await client.confirmErasure({ userId });
    await eraseDue();
  }
  const deletion = await deletionOf(ann);
  assert.equal(deletion?.handle, null);
  assert.ok(deletion.erased);
  await assert.rejects(create(), refused('HANDLE_TAKEN'));
  const retired = await run<{ row: string }>('retired', 'select r::text as row from retired_handles r');
  assert.equal(retired.length, 1);
  assert.ok(!JSON.stringify(retired).includes('leaving'));
  const confirmed = await run<{ service: string; userId: string }>(
    'confirmed',
    'select service, user_id as "userId" from erasure_confirmations order by 1',
  );
  assert.deepEqual(
    confirmed,
    ERASING_SERVICES.toSorted().map((name) => ({ service: name, userId: ann })),
  );
  await assert.rejects(
    (await startedAnew('auth')).createUser({ id: ann, handle: 'leaving2', displayName: '' }),
    refused('HANDLE_TAKEN'),
  );

  service.clock.advance(90 * DAY_MS + HOUR_MS);
  await service.inBackground('clean-up of deletions');
  assert.equal(await deletionOf(ann), undefined);
  await assert.rejects(create(), refused('HANDLE_TAKEN'));
  assert.deepEqual(
    await run('confirmed', 'select service, user_id as "userId" from erasure_confirmations order by 1'),
    [],
  );
});

test('an erasure that does not come to an end is told', async () => {
  const ann = newId(Date.now());
  await (await startedAnew('auth')).createUser({ id: ann, handle: 'overdue', displayName: '' });
  await service.withToken(await service.issuer.userToken(ann)).deleteMe({});
  service.clock.advance(8 * DAY_MS);
  await service.inBackground('clean-up of deletions');
  assert.match(service.log(), new RegExp(`"userId":"${ann}".*an erasure does not come to an end`));
});

/** What Redis holds of the posts of pulled authors. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { createWindowStore, PROMPT_MS } from '#kit/redis/window.ts';
import { startBus } from '#kit/testing/bus.ts';
import { refused } from '#kit/testing/refused.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
before(async () => {
  service = await startPostService({ withUser: false });
});
after(() => service.close());

const publish = (...authorIds: string[]) => service.internal('feed').publishRecentPosts({ authorIds });

/** What the user service says of an author. @param version new for each change */
async function setPulled(authorId: string, version: number, isPulled: boolean): Promise<void> {
  const pulled = createReadModel(service.redis, { prefix: 'pulled', ttlMs: 60_000 });
  await (isPulled ? pulled.put(authorId, version, new Uint8Array()) : pulled.bury(authorId, version));
}

/** What the author's are called, as readers remember it. */
async function nameOf(authorId: string): Promise<string> {
  const windows = createWindowStore(service.redis, { prefix: 'recent', maxEntries: 200 });
  return (await windows.readTogether([authorId], undefined, 1)).name;
}

/** Their ids, newest first; undefined when nothing is published. */
async function recent(authorId: string): Promise<string[] | undefined> {
  const windows = createWindowStore(service.redis, { prefix: 'recent', maxEntries: 200 });
  const { entries, missing } = await windows.readTogether([authorId], undefined, 1_000);
  return missing.length > 0 ? undefined : entries.map(({ id }) => id);
}

async function createPost(authorId: string): Promise<string> {
  const { post } = await service.as(authorId).createPost({ text: 'text' });
  return post?.id ?? assert.fail();
}

test('only posts of pulled authors are pulled, and the event tells', async () => {
  const author = await service.addUser();
  const pushed = await createPost(author);
  await setPulled(author, 1, true);
  const pulled = await createPost(author);
  await setPulled(author, 2, false);
  const pushedAgain = await createPost(author);
  await publish(author);
  assert.deepEqual(await recent(author), [pulled]);
  const events = (await service.events()).map(({ payload }) => PostCreated.decode(payload));
  const told = new Map(events.map(({ post, pulled }) => [post?.id, pulled]));
  assert.deepEqual(
    [pushed, pulled, pushedAgain].map((id) => told.get(id)),
    [false, true, false],
  );
});

test('once somebody has asked, a pulled post is there before the answer, and gone with its delete', async () => {
  const author = await service.addUser();
  await setPulled(author, 1, true);
  const first = await createPost(author);
  assert.equal(await recent(author), undefined, 'nobody has asked');
  await publish(author);
  const second = await createPost(author);
  assert.deepEqual(await recent(author), [second, first]);
  await service.as(author).deletePost({ id: first });
  assert.deepEqual(await recent(author), [second]);
  await service.restartRedis();
  assert.equal(await recent(author), undefined);
  await Promise.all([publish(author), publish(author)]);
  assert.deepEqual(await recent(author), [second]);
});

test('what a kill or an absent Redis has prevented is repeated before the event goes out', async () => {
  const bus = await startBus();
  try {
    const author = await service.addUser();
    await setPulled(author, 1, true);
    await publish(author);
    const post = await createPost(author);
    // As if the process had died behind the commit.
    const windows = createWindowStore(service.redis, { prefix: 'recent', maxEntries: 200 });
    const [row] = await service.db.query<{ atMs: number }>(
      { name: 'test-time', text: 'select published_at_ms::float8 as "atMs" from posts where id = $1' },
      [post],
    );
    await windows.remove(author, [{ id: post, ownerId: author, atMs: row?.atMs ?? 0 }]);
    assert.deepEqual(await recent(author), []);
    const before = await nameOf(author);
    service.clock.advance(PROMPT_MS + 1);
    await service.relay(bus.admin);
    assert.deepEqual(await recent(author), [post]);
    const late = await nameOf(author);
    assert.notEqual(late, before, 'whoever has read newer ones learns of it');
    await createPost(author);
    assert.equal(await nameOf(author), late);
  } finally {
    await bus.stop();
  }
});

test('an author of many posts keeps the newest, and says down to where', async () => {
  const author = await service.addUser();
  await service.db.query({
    name: 'test-many',
    text: `insert into posts (id, author_id, text, visibility, published_at_ms, pulled, version)
      select gen_random_uuid(), '${author}', 'text', 1, n, n % 2 = 0, n from generate_series(1, 500) n`,
  });
  await publish(author);
  const windows = createWindowStore(service.redis, { prefix: 'recent', maxEntries: 200 });
  const { entries, floor } = await windows.readTogether([author], undefined, 1_000);
  assert.deepEqual(
    entries.map(({ atMs }) => atMs),
    Array.from({ length: 200 }, (_, age) => 500 - 2 * age),
  );
  assert.equal(floor?.atMs, 100);
});

test('wrong fields are refused', async () => {
  await assert.rejects(publish(), refused('VALIDATION_FAILED', 'authorIds'));
  await assert.rejects(publish('x'), refused('VALIDATION_FAILED', 'authorIds.0'));
});

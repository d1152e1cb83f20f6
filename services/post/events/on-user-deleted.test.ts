import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PostDeleted } from '#gen/oxo/post/v1/post_events.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { NotYet } from '#kit/events/consumers/handlers.ts';
import { userDeleted } from '#kit/events/consumers/user-deleted.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { createWindowStore } from '#kit/redis/window.ts';
import { asService } from '#kit/rpc/client.ts';
import { deliver } from '#kit/testing/deliver.ts';
import { refused } from '#kit/testing/refused.ts';
import { truncate } from '#kit/testing/truncate.ts';
import { createEraseAuthor } from '../posts/erase-author.ts';
import { ownTimeline } from '../testing/own-timeline.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';
import { ERASURE } from './durables.ts';

let service: TestPostService;
let bob: string;
before(async () => {
  service = await startPostService({ withUser: false });
  bob = await service.addUser('bob');
  await service.as(bob).createPost({ text: 'of who stays' });
});
after(() => service.close());

/** Somebody with a history: posts, one of them edited, one deleted, one repeated by its key. */
async function newAuthor(posts: number): Promise<{ id: string; postIds: string[] }> {
  const id = await service.addUser('leaving');
  const as = service.as(id);
  const postIds: string[] = [];
  for (let index = 0; index < posts; index += 1) {
    const { post } = await as.createPost({ text: `secret ${index}` });
    postIds.push(post?.id ?? '');
  }
  await as.updatePost({ id: postIds[0] ?? '', text: 'secret change' });
  const options = asService({ requestId: 'r1' });
  options.metadata?.set('idempotency-key', `key of ${id}`);
  const { post } = await as.createPost({ text: 'secret key' }, options);
  postIds.push(post?.id ?? '');
  const { post: deleted } = await as.createPost({ text: 'secret and deleted' });
  await as.deletePost({ id: deleted?.id ?? '' });
  await truncate(service.db, 'outbox');
  return { id, postIds };
}

/** The tables that hold nothing of people: migrations, the relay's, and the outbox, whose rows go when they are published. */
const HOLDS_NOBODY = /^(migrations.*|outbox|relay_channel)$/;

async function tablesOfPeople(): Promise<string[]> {
  const tables = await service.db.query<{ name: string }>({
    name: 'test-tables',
    text: `select relname as name from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') order by 1`,
  });
  return tables.map(({ name }) => name).filter((name) => !HOLDS_NOBODY.test(name));
}

/** The rows of this table that hold one of these texts, each after its table's name. */
async function rowsIn(table: string, ...texts: string[]): Promise<string[]> {
  const response = table === 'idempotency_keys' ? 'response' : "''::bytea";
  const rows = await service.db.query<{ line: string }>({
    name: `test-rows-${table}`,
    text: `select '${table} ' || row_to_json(t)::text || coalesce(encode(${response}, 'escape'), '') as line from ${table} t`,
  });
  return rows.map(({ line }) => line).filter((line) => texts.some((text) => line.includes(text)));
}

async function rowsWith(...texts: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const table of await tablesOfPeople()) found.push(...(await rowsIn(table, ...texts)));
  return found;
}

const handle = (userId: string, eraseFrom = new Date(0)) =>
  deliver(service.consumers, ERASURE, userDeleted, { userId, deletedAt: new Date(0), eraseFrom });

test('before its time nothing is erased', async () => {
  const { id } = await newAuthor(1);
  const eraseFrom = new Date(service.clock.nowMs() + MINUTE_MS);
  await assert.rejects(handle(id, eraseFrom), (error) => error instanceof NotYet && error.delayMs > MINUTE_MS / 2);
  assert.ok((await rowsWith(id)).length > 1);
});

test('all that there is of the author is erased, and each post is deleted for those who hold it', async () => {
  const { id, postIds } = await newAuthor(3);
  for (const table of await tablesOfPeople()) {
    const found = await rowsIn(table, id, ...postIds);
    assert.notEqual(
      found.length,
      0,
      `newAuthor has nothing in ${table}: let it do what writes a row there, and erase-author.ts erase it`,
    );
  }
  // The user service is away: what is erased is not called confirmed, so the event comes again.
  await assert.rejects(handle(id), refused('UNAVAILABLE'));
  assert.deepEqual(await rowsWith(id, ...postIds), []);
  const records = await createReadModel(service.redis, { prefix: 'post', ttlMs: 1 }).getMany(postIds);
  assert.ok(records.every((record) => record === 'deleted'));
  assert.deepEqual(await ownTimeline(service.redis, id), []);
  const events = await service.events();
  assert.deepEqual(
    events.map(({ subject }) => subject),
    postIds.map(() => 'post.deleted'),
  );
  const told = events.map(({ payload }) => PostDeleted.decode(payload).post);
  assert.deepEqual(told.map((post) => post?.id).toSorted(), postIds.toSorted());
  for (const post of told) assert.deepEqual([post?.author?.id, post?.text], [id, '']);
  await assert.rejects(handle(id), refused('UNAVAILABLE'));
  assert.equal((await service.events()).length, postIds.length, 'again it changes nothing');
  assert.equal((await service.as().listUserPosts({ userId: bob })).posts.length, 1);
});

test('a pulled author is gone from where readers look for the posts, and from the public ones', async () => {
  const id = await service.addUser('famous');
  await createReadModel(service.redis, { prefix: 'pulled', ttlMs: MINUTE_MS }).put(id, 1, new Uint8Array());
  const feed = service.internal('feed');
  await feed.publishRecentPosts({ authorIds: [id] });
  const { post } = await service.as(id).createPost({ text: 'secret' });
  const recent = async () => {
    const windows = createWindowStore(service.redis, { prefix: 'recent', maxEntries: 200 });
    return (await windows.readTogether([id], undefined, 1_000)).entries.map((entry) => entry.id);
  };
  const isPublic = async () =>
    (await feed.listPublicPosts({ pageSize: 100 })).posts.some((found) => found.id === post?.id);
  assert.deepEqual([await recent(), await isPublic()], [[post?.id], true]);
  await assert.rejects(handle(id), refused('UNAVAILABLE'));
  assert.deepEqual([await recent(), await isPublic()], [[], false]);
});

test('a kill in the midst leaves whole batches done; the next delivery goes on', async () => {
  const { id } = await newAuthor(1);
  await service.db.query(
    {
      name: 'test-many-posts',
      text: `insert into posts (id, author_id, text, visibility, published_at_ms, version)
        select gen_random_uuid(), $1, 'secret', 1, n, 0 from generate_series(1, 500) n`,
    },
    [id],
  );
  let transactions = 0;
  const dying: Database = {
    ...service.db,
    async transaction(work) {
      transactions += 1;
      if (transactions > 2) throw new Error('killed');
      return service.db.transaction(work);
    },
  };
  const publishedPosts = { deleted: () => Promise.resolve() };
  const erase = createEraseAuthor({ db: dying, outbox: service.outbox, publishedPosts });
  let working = 0;
  await assert.rejects(
    erase(id, {
      requestId: 'r1',
      working: () => {
        working += 1;
      },
    }),
    /killed/,
  );
  assert.equal(working, 2);
  const left = (await rowsWith('"text":"secret"')).length;
  assert.ok(left > 0 && left < 500, `${left} posts`);
  await assert.rejects(handle(id), refused('UNAVAILABLE'));
  assert.deepEqual(await rowsWith(id), []);
});

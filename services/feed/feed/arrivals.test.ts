import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { newId, timeOfId } from '#kit/ids.ts';
import { defineScript, type Redis } from '#kit/redis/redis.ts';
import { APPEND, encodeEntry, newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import { createWindowStore, type WindowStore } from '#kit/redis/window.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { createTestContext, openTestRedis } from '#kit/testing/context.ts';
import { type ArrivalReader, createArrivalReader } from './arrivals.ts';
import { createPulledPosts } from './pulled-posts.ts';
import { OVERLAP_MS, type Place, placeAt } from './since.ts';
import { createWindows, type Windows } from './window.ts';

const VERSION = 'v1';
const HOUR_MS = 3_600_000;
const [pushedAuthor, pulledAuthor, secondPulled, stranger] = [newId(1), newId(2), newId(3), newId(5)];
const context = createTestContext('feed');
let redis: Redis;
let windows: Windows;
let recent: WindowStore;
let reader: ArrivalReader;
let pulledPosts: ReturnType<typeof createPulledPosts>;

before(async () => {
  ({ redis } = await openTestRedis(context));
  windows = createWindows(redis, 500);
  recent = createWindowStore(redis, { prefix: 'recent', maxEntries: 500 });
  for (const author of [pulledAuthor, secondPulled]) await publish(author);
  // No author is missing: the post service is not asked.
  pulledPosts = createPulledPosts({ redis, posts: {} as never, logger: context.logger });
  const ids = new Set([pushedAuthor, pulledAuthor, secondPulled]);
  const set = { version: VERSION, ids, pulledIds: [pulledAuthor, secondPulled] };
  reader = createArrivalReader({ windows, pulledPosts, followSets: { known: () => set, get: async () => set } });
});
after(() => context.close());

function contextOf(viewer: string): CallContext {
  return { caller: { kind: 'user', userId: viewer }, requestId: 'test' } as unknown as CallContext;
}

async function newViewer(): Promise<string> {
  const viewer = newId(4);
  await build(viewer);
  await redis.set(redis.key('fver', viewer), VERSION, HOUR_MS);
  await publish(pulledAuthor);
  return viewer;
}

const publish = async (author: string) => recent.finish(author, await recent.begin(author), '', [], true);

async function build(viewer: string, label = VERSION) {
  await windows.finish(viewer, await windows.begin(viewer), label, [], true);
}

const entryAt = (atMs: number, ownerId: string): TimelineEntry => ({ atMs, id: newId(atMs), ownerId });
const addOwn = (entry: TimelineEntry) =>
  redis.run(APPEND, [redis.key('own', entry.ownerId)], [encodeEntry(entry), 200, HOUR_MS]);

/** What the newest page would know. */
async function placeNow(viewer: string): Promise<Place> {
  const { log, own, window } = await windows.read(viewer, undefined, 200);
  const pulled = await pulledPosts.read([pulledAuthor, secondPulled], undefined, 200, contextOf(viewer));
  return placeAt({ log, newest: window?.entries[0], own, pulled: pulled ?? assert.fail() });
}

test('whatever the order in which posts come, all polls together give each, and nearly always once', async () => {
  const step = fc.record({
    what: fc.constantFrom('push', 'push', 'remove', 'own', 'pulled', 'poll', 'poll'),
    lateMs: fc.nat(OVERLAP_MS - 1_000),
    afterMs: fc.nat(20_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const viewer = await newViewer();
      let nowMs = 1_700_000_000_000;
      let place = await placeNow(viewer);
      const [posted, told]: [TimelineEntry[], TimelineEntry[]] = [[], []];
      const unpushed: TimelineEntry[] = [];
      async function poll() {
        const arrived = (await reader.read(place, 50, contextOf(viewer))) ?? assert.fail('a reset');
        assert.deepEqual(arrived.entries, arrived.entries.toSorted(newestFirst));
        told.push(...arrived.entries);
        place = arrived.place;
      }
      for (const { what, lateMs, afterMs } of steps) {
        nowMs += afterMs;
        // Of what is pushed any lateness is good.
        const owner = { push: pushedAuthor, own: viewer, pulled: pulledAuthor, poll: '', remove: '' }[what];
        const entry = entryAt(nowMs - (what === 'push' ? lateMs * 100 : lateMs), owner || stranger);
        if (what === 'poll') {
          await poll();
          // The fan-out brings one's own later.
          for (const late of unpushed.splice(0)) await windows.push([viewer], late);
          continue;
        }
        if (what === 'remove') {
          const [newest] = (await windows.read(viewer, undefined, 1)).window?.entries ?? [];
          if (newest === undefined) continue;
          await poll();
          await windows.remove(viewer, [newest]);
          assert.equal(await reader.read(place, 50, contextOf(viewer)), undefined, 'nobody knows');
          place = await placeNow(viewer);
          continue;
        }
        posted.push(entry);
        if (what === 'pulled') await recent.push([pulledAuthor], entry);
        else if (what === 'push') await windows.push([viewer, viewer], entry);
        else {
          await addOwn(entry);
          unpushed.push(entry);
        }
      }
      await poll();
      assert.deepEqual(new Set(told.map(({ id }) => id)), new Set(posted.map(({ id }) => id)));
      const twice = told.filter(({ id }, index) => told.findIndex((entry) => entry.id === id) < index);
      for (const { ownerId } of twice) assert.equal(ownerId, viewer, 'only what the fan-out brings late comes again');
      assert.ok(told.length <= 2 * posted.length);
    }),
    { numRuns: 100 },
  );
});

test("a post that is pushed behind one's own newer post is told", async () => {
  const viewer = await newViewer();
  const own = entryAt(103_000, viewer);
  await addOwn(own);
  const place = await placeNow(viewer);
  const late = entryAt(100_000, pushedAuthor);
  await windows.push([viewer], late);
  await windows.push([viewer], own);
  const arrived = await reader.read(place, 10, contextOf(viewer));
  assert.deepEqual(arrived?.entries, [late], 'and the own one was known');
  const next = arrived?.place ?? assert.fail();
  assert.deepEqual((await reader.read(next, 10, contextOf(viewer)))?.entries, []);
});

test('more than are asked for, another build, another follow set and a lost window cannot be told', async () => {
  const viewer = await newViewer();
  const place = await placeNow(viewer);
  for (let atMs = 1; atMs <= 3; atMs += 1) await windows.push([viewer], entryAt(atMs, pushedAuthor));
  await windows.push([viewer], entryAt(9, stranger));
  const ask = (from: Place | string, max: number) => reader.read(from, max, contextOf(viewer));
  assert.equal((await ask(place, 3))?.entries.length, 3);
  assert.equal(await ask(place, 2), undefined);
  assert.equal(await ask({ ...place, count: place.count + 9 }, 3), undefined, 'a number that was never given');
  await build(viewer);
  assert.equal(await ask(place, 3), undefined);
  const rebuilt = await placeNow(viewer);
  assert.deepEqual((await ask(rebuilt, 3))?.entries, []);
  for (let atMs = 1; atMs <= 130; atMs += 1) await windows.push([viewer], entryAt(atMs, pushedAuthor));
  assert.equal(await ask(rebuilt, 100), undefined);
  await build(viewer, 'v0');
  assert.equal(await ask(await placeNow(viewer), 3), undefined);
  await windows.drop(viewer);
  assert.equal(await ask(rebuilt, 3), undefined);
});

test('a post of a pulled author that comes late, behind newer ones of any, is never missed: it cannot be told', async () => {
  const viewer = await newViewer();
  await recent.push([pulledAuthor], entryAt(500_000, pulledAuthor));
  const place = await placeNow(viewer);
  const ask = (from: Place) => reader.read(from, 10, contextOf(viewer));
  const prompt = entryAt(500_001 - OVERLAP_MS, secondPulled);
  await recent.push([secondPulled], prompt);
  assert.deepEqual((await ask(place))?.entries, [prompt]);
  const late = entryAt(100_000, secondPulled);
  await recent.push([secondPulled], late, true);
  assert.equal(await ask(place), undefined);
  const next = await placeNow(viewer);
  await recent.push([secondPulled], late, true);
  assert.deepEqual((await ask(next))?.entries, [], 'known, however often it comes');
  await publish(secondPulled);
  assert.equal(await ask(next), undefined, 'the new ones may hold what came late');
});

test('what comes so late that the window no longer speaks of it is told', async () => {
  const viewer = await newViewer();
  const small = createWindows(redis, 10);
  for (let atMs = 101; atMs <= 170; atMs += 1) await small.push([viewer], entryAt(atMs, pushedAuthor));
  const place = await placeNow(viewer);
  const late = entryAt(50, pushedAuthor);
  assert.equal(await small.push([viewer], late), 0);
  assert.deepEqual((await reader.read(place, 10, contextOf(viewer)))?.entries, [late]);
});

test('a log that has missed an arrival tells nothing', async () => {
  const viewer = await newViewer();
  await windows.push([viewer], entryAt(9, pushedAuthor));
  const place = await placeNow(viewer);
  const move = defineScript('move', "return redis.call('RENAME', KEYS[1], KEYS[2])");
  const [log, elsewhere] = [redis.key('arr', viewer), redis.key('elsewhere', viewer)];
  await redis.run(move, [log, elsewhere], []);
  await windows.push([viewer], entryAt(5, pushedAuthor));
  await redis.run(move, [elsewhere, log], []);
  assert.equal(await reader.read(place, 10, contextOf(viewer)), undefined);
  assert.equal((await windows.read(viewer, undefined, 10, 10)).log, undefined);
});

test('what has fallen out of a small window is not forgotten', async () => {
  const viewer = await newViewer();
  const small = createWindows(redis, 10);
  const place = await placeNow(viewer);
  const ask = () => reader.read(place, 100, contextOf(viewer));
  for (let atMs = 1; atMs <= 60; atMs += 1) await small.push([viewer], entryAt(atMs, pushedAuthor));
  assert.equal((await ask())?.entries.length, 60);
  for (let atMs = 61; atMs <= 70; atMs += 1) await small.push([viewer], entryAt(atMs, pushedAuthor));
  assert.equal(await ask(), undefined);
});

test('the id of a post asks for what came behind it and for what is newer; for an own or unknown one it cannot be told', async () => {
  const viewer = await newViewer();
  const [read, before, earlier, behind] = [500_000, 499_000, 100_000, 90_000].map((atMs) =>
    entryAt(atMs, pushedAuthor),
  );
  assert(read && before && earlier && behind);
  for (const entry of [earlier, before, read, behind]) await windows.push([viewer], entry);
  const [pulled, own] = [entryAt(600_000, pulledAuthor), entryAt(700_000, viewer)];
  await recent.push([pulledAuthor], entryAt(200_000, pulledAuthor));
  await recent.push([pulledAuthor], pulled);
  await addOwn(own);
  const ask = (id: string) => reader.read(id, 10, contextOf(viewer));
  // What came shortly before may have been read from Postgres, or not.
  assert.deepEqual((await ask(read.id))?.entries, [own, pulled, before, behind]);
  await windows.push([viewer], own);
  assert.equal(await ask(own.id), undefined);
  assert.equal(await ask(newId(timeOfId(read.id))), undefined);
});

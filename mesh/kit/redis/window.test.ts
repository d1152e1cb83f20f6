import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { newId } from '#kit/ids.ts';
import { connectRedis, type Redis } from '#kit/redis/redis.ts';
import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import { createWindowStore, type WindowStore } from '#kit/redis/window.ts';
import { quiet } from '#kit/testing/bus.ts';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';

let server: TestRedis;
let redis: Redis;
let store: WindowStore;

before(async () => {
  server = await startRedis();
  redis = connectRedis(server.url, quiet);
  await until('redis answers', () => redis.ping().then(() => true));
  store = createWindowStore(redis, { prefix: 'recent', maxEntries: 20 });
});
after(async () => {
  await redis.close();
  await server.stop();
});

const entryOf = (ownerId: string, atMs: number): TimelineEntry => ({ atMs, id: newId(atMs), ownerId });

test('windows that are read together give at least the newest of all, and the highest floor', async () => {
  const window = fc.record({
    times: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 15 }),
    isComplete: fc.boolean(),
  });
  const input = [
    fc.array(window, { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 1, max: 12 }),
    fc.option(fc.nat(35)),
  ] as const;
  await fc.assert(
    fc.asyncProperty(...input, async (windows, count, beforeMs) => {
      const before = beforeMs === null ? undefined : { atMs: beforeMs, id: newId(0) };
      const held: TimelineEntry[] = [];
      const floors: TimelineEntry[] = [];
      const ids = windows.map(() => newId(1));
      for (const [index, { times, isComplete }] of windows.entries()) {
        const id = ids[index] ?? '';
        const entries = times.map((atMs) => entryOf(id, atMs)).sort(newestFirst);
        await store.finish(id, await store.begin(id), '', entries, isComplete || entries.length === 0);
        const floor = isComplete ? undefined : entries.pop();
        if (floor !== undefined) floors.push(floor);
        held.push(...entries);
      }
      const older = held.filter((entry) => before === undefined || newestFirst(before, entry) < 0).sort(newestFirst);
      const read = await store.readTogether(ids, before, count);
      assert.deepEqual(read.missing, []);
      assert.deepEqual(read.entries.slice(0, count), older.slice(0, count));
      const highest = floors.sort(newestFirst)[0];
      assert.deepEqual(read.floor, highest && { atMs: highest.atMs, id: highest.id });
    }),
    { numRuns: 150 },
  );
});

test('of many windows little more is read than is wanted', async () => {
  const ids = Array.from({ length: 40 }, () => newId(1));
  for (const [index, id] of ids.entries()) {
    const entries = Array.from({ length: 20 }, (_, age) => entryOf(id, 10_000 - age * 100 - index));
    await store.finish(id, await store.begin(id), '', entries, true);
  }
  const { entries } = await store.readTogether(ids, undefined, 20);
  assert.deepEqual(
    entries.map(({ atMs }) => 10_000 - atMs),
    [...Array(20).keys()],
  );
});

test('windows together have another name once one is built anew, or something comes late that they did not hold', async () => {
  const ids = [newId(1), newId(1)];
  const [one = '', two = ''] = ids;
  const nameOf = async (some = ids) => (await store.readTogether(some, undefined, 3)).name;
  for (const id of ids) await store.finish(id, await store.begin(id), 'label', [entryOf(id, 5)], true);
  const first = await nameOf();
  const [prompt, late] = [entryOf(one, 7), entryOf(two, 6)];
  await store.push([one], prompt);
  await store.push([one], prompt, true);
  assert.equal(await nameOf(ids.toReversed()), first, 'it was there');
  await store.push([two], late, true);
  const second = await nameOf();
  assert.notEqual(second, first);
  await store.push([two], late, true);
  assert.equal(await nameOf(), second);
  await store.finish(one, await store.begin(one), 'label', [entryOf(one, 5)], false);
  const third = await nameOf();
  assert.notEqual(third, second);
  await store.push([one], entryOf(one, 4), true);
  assert.notEqual(await nameOf(), third, 'nor does it tell of what is below its floor');
  assert.equal(await nameOf([]), '');
  const { entries, missing } = await store.readTogether(ids, undefined, 9);
  assert.deepEqual([entries.map(({ atMs }) => atMs), missing], [[6, 5], []]);
});

test('what comes late while a window is built does not end the build', async () => {
  const id = newId(1);
  const build = await store.begin(id);
  const late = entryOf(id, 5);
  assert.equal(await store.push([id], late, true), 1);
  await store.finish(id, build, '', [], true);
  assert.deepEqual((await store.readTogether([id], undefined, 3)).entries, [late]);
});

test('a window that is missing or being built is named', async () => {
  const [there, building, missing] = [newId(1), newId(1), newId(1)];
  const entry = entryOf(there, 5);
  await store.finish(there, await store.begin(there), '', [entry], true);
  await store.begin(building);
  const { entries, missing: named } = await store.readTogether([there, building, missing], undefined, 3);
  assert.deepEqual(entries, [entry]);
  assert.deepEqual(named, [building, missing]);
});

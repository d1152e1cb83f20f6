import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { APPEND, encodeEntry, newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import { LOGGED_ARRIVALS, SLACK_ENTRIES } from '#kit/redis/window-scripts.ts';
import { createTestContext, openTestRedis } from '#kit/testing/context.ts';
import { createWindows, type Windows } from './window.ts';

const CAP = 10;
const author = newId(1);
const context = createTestContext('feed');
let redis: Redis;
let windows: Windows;

before(async () => {
  ({ redis } = await openTestRedis(context));
  windows = createWindows(redis, CAP);
});
after(() => context.close());

const entryAt = (atMs: number): TimelineEntry => ({ atMs, id: newId(atMs), ownerId: author });
const entriesAt = (...times: number[]) => times.map(entryAt).sort(newestFirst);
const times = (entries: readonly TimelineEntry[] | undefined) => entries?.map((entry) => entry.atMs);

async function build(viewer: string, entries: TimelineEntry[], complete = true) {
  await windows.finish(viewer, await windows.begin(viewer), 'v1', entries, complete);
}

test('without a window the fan-out does nothing and a read finds nothing', async () => {
  const viewer = newId(2);
  assert.equal(await windows.push([viewer], entryAt(100)), 0);
  const page = await windows.read(viewer, undefined, 5);
  assert.deepEqual(page, { followVersion: '', window: undefined, own: [], log: undefined });
});

test('a window gives its entries newest first, page by page, with ties by id', async () => {
  const viewer = newId(3);
  const entries = entriesAt(100, 200, 200, 200, 300);
  await build(viewer, entries);
  const first = await windows.read(viewer, undefined, 2);
  assert.deepEqual(first.window?.entries, entries.slice(0, 2));
  assert.equal(first.window?.label, 'v1');
  assert.equal(first.window?.floor, undefined);
  const second = await windows.read(viewer, entries[1], 5);
  assert.deepEqual(second.window?.entries, entries.slice(2));
});

test('a push is there once, however often it comes', async () => {
  const viewer = newId(4);
  await build(viewer, []);
  const entry = entryAt(500);
  assert.equal(await windows.push([viewer, newId(5)], entry), 1);
  assert.equal(await windows.push([viewer], entry), 0);
  assert.deepEqual((await windows.read(viewer, undefined, 5)).window?.entries, [entry]);
});

test('while a window is built it is not read, and what is pushed meanwhile is in it afterwards', async () => {
  const viewer = newId(6);
  const begun = await windows.begin(viewer);
  await windows.push([viewer], entryAt(300));
  assert.equal((await windows.read(viewer, undefined, 5)).window, undefined);
  await windows.finish(viewer, begun, 'v1', entriesAt(100, 200), true);
  assert.deepEqual(times((await windows.read(viewer, undefined, 5)).window?.entries), [300, 200, 100]);
});

test('a build that another one overtook changes nothing', async () => {
  const viewer = newId(7);
  const overtaken = await windows.begin(viewer);
  const winner = await windows.begin(viewer);
  await windows.finish(viewer, overtaken, 'old', entriesAt(1), true);
  assert.equal((await windows.read(viewer, undefined, 5)).window, undefined);
  await windows.finish(viewer, winner, 'new', entriesAt(2), true);
  const page = await windows.read(viewer, undefined, 5);
  assert.equal(page.window?.label, 'new');
  assert.deepEqual(times(page.window?.entries), [2]);
});

test('an incomplete build makes its oldest entry the floor, and what is older is ignored', async () => {
  const viewer = newId(8);
  const entries = entriesAt(100, 200, 300);
  await build(viewer, entries, false);
  const page = await windows.read(viewer, undefined, 5);
  assert.deepEqual(times(page.window?.entries), [300, 200]);
  assert.deepEqual(page.window?.floor, { atMs: 100, id: entries[2]?.id });
  assert.equal(await windows.push([viewer], entryAt(99)), 0);
  assert.equal(await windows.push([viewer], entries[2] as TimelineEntry), 0, 'the entry at the floor itself');
  assert.equal(await windows.push([viewer], entryAt(150)), 1);
  assert.deepEqual(times((await windows.read(viewer, undefined, 5)).window?.entries), [300, 200, 150]);
});

test('overflow pops the oldest and raises the floor to the newest of those popped', async () => {
  const viewer = newId(9);
  await build(viewer, []);
  const pushed: TimelineEntry[] = [];
  for (let atMs = 1; atMs <= CAP + SLACK_ENTRIES + 1; atMs += 1) {
    const entry = entryAt(atMs);
    pushed.unshift(entry);
    await windows.push([viewer], entry);
  }
  const page = await windows.read(viewer, undefined, 1_000);
  assert.deepEqual(page.window?.entries, pushed.slice(0, CAP));
  const highestPopped = pushed[CAP] as TimelineEntry;
  assert.deepEqual(page.window?.floor, { atMs: highestPopped.atMs, id: highestPopped.id });
});

test('own posts and the version of the follow set come with the same read', async () => {
  const viewer = newId(10);
  const own = { ...entryAt(700), ownerId: viewer };
  await redis.run(APPEND, [redis.key('own', viewer)], [encodeEntry(own), 5, 60_000]);
  await redis.set(redis.key('fver', viewer), 'v7', 60_000);
  const page = await windows.read(viewer, undefined, 5);
  assert.deepEqual(page, { followVersion: 'v7', window: undefined, own: [own], log: undefined });
  assert.deepEqual((await windows.read(viewer, own, 5)).own, [], 'strictly older than the place');
});

test('entries that are gone can be taken out', async () => {
  const viewer = newId(11);
  const entries = entriesAt(100, 200);
  await build(viewer, entries);
  await windows.remove(viewer, entries.slice(0, 1));
  assert.deepEqual((await windows.read(viewer, undefined, 5)).window?.entries, entries.slice(1));
});

test('the log tells what came late in the order in which it came, each once, and goes with the window', async () => {
  const viewer = newId(12);
  const begun = await windows.begin(viewer);
  const meanwhile = entryAt(50);
  await windows.push([viewer], meanwhile);
  await windows.finish(viewer, begun, 'v1', entriesAt(1_000), true);
  const late = [entryAt(300), entryAt(200), entryAt(400)];
  for (const entry of [...late, entryAt(2_000), ...late]) await windows.push([viewer], entry);
  const { log } = await windows.read(viewer, undefined, 5, 10);
  assert.deepEqual([log?.newest, log?.count], [[meanwhile, ...late], 4]);
  assert.deepEqual((await windows.read(viewer, undefined, 5, 2)).log?.newest, late.slice(1));
  assert.deepEqual((await windows.read(viewer, undefined, 5)).log, { ...log, newest: [] });
  assert.equal((await windows.read(viewer, entryAt(500), 5)).log, undefined, 'of a later page');
  await build(viewer, []);
  const other = (await windows.read(viewer, undefined, 5, 10)).log;
  assert.deepEqual([other?.newest, other?.count, other?.nonce === log?.nonce], [[], 0, false]);
  await windows.drop(viewer);
  assert.deepEqual(await redis.getMany([redis.key('arr', viewer)]), [null]);
});

test('late arrivals keep their numbers when the log is cut', async () => {
  const viewer = newId(13);
  await build(viewer, entriesAt(1_000_000));
  const pushed: TimelineEntry[] = [];
  for (let atMs = 1; atMs <= 3 * LOGGED_ARRIVALS; atMs += 1) {
    const entry = entryAt(atMs);
    pushed.push(entry);
    await windows.push([viewer], entry);
    if (atMs % 16 !== 1) continue;
    const { log } = await windows.read(viewer, undefined, 1, 1_000);
    assert.equal(log?.count, pushed.length);
    assert.ok(log.newest.length >= Math.min(pushed.length, LOGGED_ARRIVALS));
    assert.ok(log.newest.length <= 1.5 * LOGGED_ARRIVALS + 1);
    assert.deepEqual(log.newest, pushed.slice(-log.newest.length));
  }
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TimelineEntry } from '#kit/redis/timeline.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { until } from '#kit/testing/until.ts';
import { counted } from '../testing/counted.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';
import { type CandidateReader, createCandidateReader } from './candidates.ts';
import { createFollowSets } from './follow-sets.ts';
import { createFeedMetrics } from './metrics.ts';
import { createPulledPosts } from './pulled-posts.ts';
import { createWindows } from './window.ts';

const MAX_ENTRIES = 6;
let service: TestFeedService;
before(async () => {
  service = await startFeedService({ maxEntries: MAX_ENTRIES });
});
after(() => service.close());

/** The reader of a process that has just started. */
function openReader() {
  const { client: posts, calls } = counted(service.posts);
  const windows = createWindows(service.redis, MAX_ENTRIES);
  const followSets = createFollowSets(service.users);
  const { redis, logger } = service;
  const metrics = createFeedMetrics(service.metrics);
  const pulledPosts = createPulledPosts({ redis, posts, logger });
  const parts = { windows, followSets, pulledPosts, maxEntries: MAX_ENTRIES, metrics, logger };
  const reader = createCandidateReader({ ...parts, posts });
  return { reader, calls };
}

/** A reader whose first rebuild has read Postgres when `begun` resolves, and goes on when it is told to. */
function openSlowReader() {
  const { posts } = service;
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slowly: typeof posts = {
    ...posts,
    async listPostsByAuthors(request, options) {
      const answer = await posts.listPostsByAuthors(request, options);
      begun.resolve();
      await held.promise;
      return answer;
    },
  };
  const windows = createWindows(service.redis, MAX_ENTRIES);
  const followSets = createFollowSets(service.users);
  const { redis, logger } = service;
  const metrics = createFeedMetrics(service.metrics);
  const pulledPosts = createPulledPosts({ redis, posts, logger });
  const parts = { windows, followSets, pulledPosts, maxEntries: MAX_ENTRIES, metrics, logger };
  const reader = createCandidateReader({ ...parts, posts: slowly });
  return { reader, begun: begun.promise, go: held.resolve };
}

/** Somebody who follows one author. */
async function newViewer() {
  const [viewer, author] = [await service.addUser(), await service.addUser()];
  await service.follow(viewer, author);
  return { viewer, author, context: await service.contextOf(viewer) };
}

/** Posts of these authors, one after the other. @returns the entries that a feed has for them, newest first */
async function createPosts(...authors: string[]): Promise<TimelineEntry[]> {
  const entries: TimelineEntry[] = [];
  for (const ownerId of authors) {
    const { id, createdAt } = await service.createPost(ownerId, 'text');
    entries.unshift({ id, ownerId, atMs: createdAt?.getTime() ?? 0 });
  }
  return entries;
}

/** The newest, without the moment of the read. */
async function readStretch(reader: CandidateReader, context: CallContext) {
  const { place: _, ...stretch } = await reader.read(undefined, 10, context);
  return stretch;
}

/** All stretches of so many entries each. */
async function readAll(reader: CandidateReader, context: CallContext, count: number) {
  const entries: TimelineEntry[] = [];
  const sources: string[] = [];
  let before: Parameters<CandidateReader['read']>[0];
  do {
    const stretch = await reader.read(before, count, context);
    assert.ok(stretch.entries.length <= count);
    entries.push(...stretch.entries);
    sources.push(stretch.source);
    before = stretch.next;
  } while (before !== undefined && sources.length < 50);
  return { entries, sources };
}

test('a read that joins a rebuild sees the own post that the rebuild began before', async () => {
  const { viewer, author, context } = await newViewer();
  const [older] = await createPosts(author);
  const windows = createWindows(service.redis, MAX_ENTRIES);
  const { reader, begun, go } = openSlowReader();
  const first = reader.read(undefined, 5, context);
  await begun;
  const [own] = await createPosts(viewer);
  const second = reader.read(undefined, 5, context);
  await until(
    'the second has read its own posts',
    async () => (await windows.read(viewer, undefined, 5)).own.length > 0,
  );
  go();
  assert.deepEqual((await first).entries, [older]);
  assert.deepEqual((await second).entries, [own, older]);
});

test('a read that joins a rebuild sees what others have posted since the rebuild began', async () => {
  const { viewer, author, context } = await newViewer();
  const [older] = await createPosts(author);
  const windows = createWindows(service.redis, MAX_ENTRIES);
  const { reader, begun, go } = openSlowReader();
  const first = reader.read(undefined, 5, context);
  await begun;
  const [newer] = await createPosts(author);
  // The fan-out brings it into the window that is being built.
  await windows.push([viewer], newer ?? assert.fail());
  const second = reader.read(undefined, 5, context);
  go();
  await first;
  assert.deepEqual((await second).entries, [newer, older]);
});

test('a read whose rebuild another replica has overtaken is answered by Postgres', async () => {
  const { viewer, author, context } = await newViewer();
  await createPosts(author);
  const { reader, begun, go } = openSlowReader();
  const first = reader.read(undefined, 5, context);
  await begun;
  const second = reader.read(undefined, 5, context);
  await createWindows(service.redis, MAX_ENTRIES).begin(viewer);
  const [newer] = await createPosts(author);
  go();
  await first;
  const { entries, source } = await second;
  assert.deepEqual([entries[0], source], [newer, 'postgres']);
});

test('a window that is lost between two pages: the second begins behind the last of the first', async () => {
  const { viewer, author, context } = await newViewer();
  const all = await createPosts(author, author, author, author, author);
  const { reader } = openReader();
  const first = await reader.read(undefined, 2, context);
  assert.deepEqual(first.entries, all.slice(0, 2));
  // Whoever else begins to build it takes it away.
  await createWindows(service.redis, MAX_ENTRIES).begin(viewer);
  const second = await reader.read(first.next, 2, context);
  assert.deepEqual([second.entries, second.source], [all.slice(2, 4), 'rebuild']);
});

test('who began a rebuild and goes away fails nobody who waits for it', async () => {
  const { author, context } = await newViewer();
  const entries = await createPosts(author);
  const { reader } = openReader();
  const abort = new AbortController();
  const gone = reader.read(undefined, 5, { ...context, signal: abort.signal });
  const waiting = reader.read(undefined, 5, context);
  abort.abort();
  await gone.catch(() => undefined);
  assert.deepEqual((await waiting).entries, entries);
});

test('the first read builds the window, the next ones are answered by it, whatever their size', async () => {
  const { viewer, author, context } = await newViewer();
  const all = await createPosts(author, viewer, author, viewer);
  const { reader, calls } = openReader();
  assert.deepEqual(await readStretch(reader, context), { entries: all, next: undefined, source: 'rebuild' });
  for (const count of [1, 2, 3, 4, 5]) {
    const { entries, sources } = await readAll(reader, context, count);
    assert.deepEqual(entries, all);
    assert.deepEqual(new Set(sources), new Set(['window']));
  }
  assert.equal(calls(), 1);
});

test('below the floor of the window Postgres goes on, without a gap and without a double', async () => {
  const { viewer, author, context } = await newViewer();
  const all = await createPosts(...Array.from({ length: 2 * MAX_ENTRIES + 1 }, (_, n) => (n % 3 ? author : viewer)));
  const { reader } = openReader();
  for (const count of [1, 2, 4, MAX_ENTRIES, 2 * MAX_ENTRIES, 100]) {
    // Whether the window was there or is built on the way.
    assert.deepEqual((await readAll(openReader().reader, context, count)).entries, all);
    const { entries, sources } = await readAll(reader, context, count);
    assert.deepEqual(entries, all, `in stretches of ${count}`);
    assert.ok(sources.includes('postgres'));
  }
});

test('a window that was built for another follow set is built anew', async () => {
  const { viewer, author, context } = await newViewer();
  const other = await service.addUser();
  const all = await createPosts(author, other, viewer);
  const withoutOther = all.filter(({ ownerId }) => ownerId !== other);
  const { reader } = openReader();
  assert.deepEqual((await reader.read(undefined, 10, context)).entries, withoutOther);
  await service.follow(viewer, other);
  assert.deepEqual(await readStretch(reader, context), { entries: all, next: undefined, source: 'rebuild' });
  await service.unfollow(viewer, other);
  assert.deepEqual((await reader.read(undefined, 10, context)).entries, withoutOther);
  assert.equal((await reader.read(undefined, 10, context)).source, 'window');
});

test('a window that is built anew between two pages neither repeats nor skips', async () => {
  const { viewer, author, context } = await newViewer();
  const all = await createPosts(author, viewer, author, viewer);
  const { reader } = openReader();
  const first = await reader.read(undefined, 2, context);
  await createWindows(service.redis, MAX_ENTRIES).begin(viewer);
  const second = await reader.read(first.next, 5, context);
  assert.equal(second.source, 'rebuild');
  assert.deepEqual([...first.entries, ...second.entries], all);
});

test("one's own posts are there before the fan-out has brought them, in their places", async () => {
  const { viewer, author, context } = await newViewer();
  const old = await createPosts(author, author);
  const { reader } = openReader();
  await reader.read(undefined, 10, context);
  const all = [...(await createPosts(viewer, viewer)), ...old];
  for (const count of [1, 2, 3, 4, 5]) {
    const { entries, sources } = await readAll(reader, context, count);
    assert.deepEqual(entries, all);
    assert.deepEqual(new Set(sources), new Set(['window']));
  }
});

test('readers at the same moment share one rebuild', async () => {
  const { viewer, author, context } = await newViewer();
  const all = await createPosts(author, viewer);
  const { reader, calls } = openReader();
  await reader.read(undefined, 10, context);
  // The build of a process that died: its window cannot be read.
  await createWindows(service.redis, MAX_ENTRIES).begin(viewer);
  const stretches = await Promise.all(Array.from({ length: 20 }, () => reader.read(undefined, 10, context)));
  for (const { entries, source } of stretches) assert.deepEqual([entries, source], [all, 'rebuild']);
  assert.equal(calls(), 2);
});

test('while Redis is away Postgres answers, page by page', async () => {
  const { viewer, author, context } = await newViewer();
  const all = await createPosts(author, viewer, author, viewer, author);
  const { reader } = openReader();
  await service.killRedis();
  try {
    const { entries, sources } = await readAll(reader, context, 2);
    assert.deepEqual(entries, all);
    assert.deepEqual(sources, ['postgres', 'postgres', 'postgres']);
  } finally {
    await service.restartRedis();
  }
  assert.equal((await reader.read(undefined, 10, context)).source, 'rebuild');
});

/** The fan-out as its consumer does it: what it leaves in the windows, not how it finds the followers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { createPublisher, type Publisher } from '#kit/events/outbox/publisher.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import type { TimelineEntry } from '#kit/redis/timeline.ts';
import { until } from '#kit/testing/until.ts';
import { createWindows, type Windows } from '../feed/window.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';

let service: TestFeedService;
let windows: Windows;
let publisher: Publisher;
before(async () => {
  service = await startFeedService({ withPost: false });
  windows = createWindows(service.redis, 20);
  publisher = createPublisher({ nats: service.nats, source: 'post', logger: service.logger });
  service.startFanOut();
});
after(async () => {
  publisher.close();
  await service.close();
});

/** People who have read their feeds, so that they have windows. */
async function newReaders(count: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => service.addUser()));
  for (const id of ids) await windows.finish(id, await windows.begin(id), 'v1', [], true);
  return ids;
}

/** Publishes what the post service publishes. @param author none for an event that nobody should ever have published */
async function publish(...authors: (string | undefined)[]): Promise<TimelineEntry[]> {
  return publishAs(false, ...authors);
}

async function publishAs(pulled: boolean, ...authors: (string | undefined)[]): Promise<TimelineEntry[]> {
  const atMs = service.clock.nowMs();
  const posts = authors.map((authorId) => ({
    id: newId(atMs),
    text: 'text',
    visibility: Post_Visibility.PUBLIC,
    createdAt: new Date(atMs),
    editedAt: undefined,
    entities: [],
    etag: '',
    author: authorId === undefined ? undefined : { id: authorId, handle: '', displayName: '' },
  }));
  await publisher.publish(
    posts.map((post, index) => ({
      eventId: newId(atMs),
      version: index + 1,
      subject: 'post.created',
      payload: PostCreated.encode({ post, pulled }).finish(),
      headers: { 'x-request-id': 'r1' },
    })),
  );
  return posts.map(({ id, author }) => ({ id, ownerId: author?.id ?? '', atMs }));
}

/** Resolves when the fan-out has put these entries, and no others, into the windows of all of them. */
async function haveInTheirWindows(readers: readonly string[], entries: readonly TimelineEntry[]): Promise<void> {
  const expected = new Set(entries);
  for (const reader of readers) {
    // Events that failed come again after a while, and a machine that does other work takes its time.
    await until(
      `${entries.length} entries are in the window`,
      async () => {
        assert.deepEqual(new Set(await windowOf(reader)), expected);
        return true;
      },
      60_000,
    );
  }
}

async function windowOf(userId: string): Promise<TimelineEntry[] | undefined> {
  return (await windows.read(userId, undefined, 100)).window?.entries;
}

test("a post comes into the author's window and those of all followers, and into no other", async () => {
  const [author = '', fan = '', friend = '', stranger = ''] = await newReaders(4);
  const idle = await service.addUser();
  for (const follower of [fan, friend, idle]) await service.follow(follower, author);
  await service.follow(author, stranger);
  const entries = await publish(author);
  await haveInTheirWindows([author, fan, friend], entries);
  await until('it is told how late that was', async () => {
    const text = await service.metrics.render();
    return /^oxo_feed_fanout_duration_seconds_count [1-9]/m.test(text);
  });
  assert.deepEqual(await windowOf(stranger), []);
  assert.equal(await windowOf(idle), undefined, 'who does not read gets no window');
});

test("an author without followers has the post in the window of one's own", async () => {
  const [author = ''] = await newReaders(1);
  await haveInTheirWindows([author], await publish(author));
});

test('a follow just before the post counts, whatever was fanned out before', async () => {
  const [author = '', early = '', late = ''] = await newReaders(3);
  await service.follow(early, author);
  const first = await publish(author);
  await haveInTheirWindows([early], first);
  await service.follow(late, author);
  const second = await publish(author);
  await haveInTheirWindows([late], second);
  await haveInTheirWindows([author, early], [...first, ...second]);
});

test('whoever has unfollowed and follows again gets what is posted from then on', async () => {
  const [author = '', fan = ''] = await newReaders(2);
  await service.follow(fan, author);
  const first = await publish(author);
  await haveInTheirWindows([fan], first);
  await service.unfollow(fan, author);
  await service.follow(fan, author);
  const second = await publish(author);
  await haveInTheirWindows([fan], [...first, ...second]);
});

test('posts of many authors at once each find their own followers', async () => {
  const readers = await newReaders(8);
  const followees = new Map<string, Set<string>>();
  for (const [index, follower] of readers.entries()) {
    const [next = '', afterNext = ''] = [readers[(index + 1) % 8], readers[(index + 2) % 8]];
    for (const followee of [next, afterNext]) await service.follow(follower, followee);
    followees.set(follower, new Set([follower, next, afterNext]));
  }
  const entries = await publish(...readers, ...readers);
  for (const reader of readers) {
    await haveInTheirWindows(
      [reader],
      entries.filter(({ ownerId }) => followees.get(reader)?.has(ownerId)),
    );
  }
});

test('a pulled post is for its author alone, as long as the author is pulled', async () => {
  const [author = '', fan = ''] = await newReaders(2);
  await service.follow(fan, author);
  const authors = createReadModel(service.redis, { prefix: 'pulled', ttlMs: 60_000 });
  await authors.put(author, 1, new Uint8Array());
  const pulled = await publishAs(true, author);
  await haveInTheirWindows([author], pulled);
  const pushed = await publish(author);
  await haveInTheirWindows([fan], pushed);
  await authors.bury(author, 2);
  const late = await publishAs(true, author);
  await haveInTheirWindows([fan], [...pushed, ...late]);
});

test('while the user service is away the event is kept, and handled when it is back', async () => {
  const [author = '', fan = ''] = await newReaders(2);
  await service.follow(fan, author);
  await service.user.kill();
  const entries = await publish(author);
  await service.user.restart();
  await haveInTheirWindows([author, fan], entries);
});

test('a post without its author is given up at once, and those after it are not kept waiting', async () => {
  const [author = '', fan = ''] = await newReaders(2);
  await service.follow(fan, author);
  const [, ...entries] = await publish(undefined, author);
  await haveInTheirWindows([author, fan], entries);
  await until('the log tells of it', () => service.log().includes('a post without author or time'));
});

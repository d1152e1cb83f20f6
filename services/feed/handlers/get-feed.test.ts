import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';

let service: TestFeedService;
before(async () => {
  service = await startFeedService();
});
after(() => service.close());

async function page(viewerId: string, pageSize = 0, pageToken = '') {
  const { items, nextPageToken } = await service.as(viewerId).getFeed({ pageSize, pageToken });
  return { texts: items.map(({ post }) => post?.text), nextPageToken };
}

async function wholePage(viewerId: string) {
  const { items, nextPageToken } = await service.as(viewerId).getFeed({});
  return { items, nextPageToken };
}

const texts = async (viewerId: string) => (await page(viewerId)).texts;

/** A viewer and an author whom they follow. */
async function newPair() {
  const [viewer, author] = [await service.addUser(), await service.addUser()];
  await service.follow(viewer, author);
  return { viewer, author };
}

test("one's own posts and those of followed authors come newest first, as their services know them", async () => {
  const { viewer, author } = await newPair();
  const stranger = await service.addUser();
  const theirs = await service.createPost(author, 'theirs', Post_Visibility.FOLLOWERS);
  await service.createPost(stranger, 'of a stranger');
  const mine = await service.createPost(viewer, 'mine');
  const expected = {
    items: [
      { post: mine, reason: FeedItem_Reason.OWN_POST },
      { post: theirs, reason: FeedItem_Reason.FOLLOWED_AUTHOR },
    ],
    nextPageToken: '',
  };
  assert.deepEqual(await wholePage(viewer), expected, 'from Postgres');
  assert.deepEqual(await wholePage(viewer), expected, 'from the window');
  await service.fanOut(3);
  assert.deepEqual(await wholePage(viewer), expected, 'after the fan-out');
  await service.restartRedis();
  await until('the same after a flush', async () => {
    assert.deepEqual(await wholePage(viewer), expected);
    return true;
  });
});

test('pages hold all posts, each once, whatever comes meanwhile', async () => {
  const { viewer, author } = await newPair();
  const all: string[] = [];
  for (const text of ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6']) {
    await service.createPost(text < 'n3' ? viewer : author, text);
    all.unshift(text);
  }
  await service.fanOut(7);
  const first = await page(viewer, 3);
  await service.createPost(author, 'late');
  await service.fanOut(1);
  const second = await page(viewer, 3, first.nextPageToken);
  const third = await page(viewer, 3, second.nextPageToken);
  assert.deepEqual([first.texts, second.texts, third.texts], [all.slice(0, 3), all.slice(3, 6), all.slice(6)]);
  assert.equal(third.nextPageToken, '');
  assert.deepEqual(await page(viewer, 1_000_000), { texts: ['late', ...all], nextPageToken: '' });
});

test('a page is filled up when its posts are gone', async () => {
  const { viewer, author } = await newPair();
  const posts = await Promise.all(['a', 'b', 'c', 'd'].map((text) => service.createPost(author, text)));
  await service.fanOut(4);
  const before = await texts(viewer);
  const [newest, ...rest] = before;
  const gone = posts.find(({ text }) => text === newest);
  await service.asAuthor(author).deletePost({ id: gone?.id });
  assert.deepEqual((await page(viewer, 2)).texts, rest.slice(0, 2));
  assert.deepEqual(await page(viewer), { texts: rest, nextPageToken: '' });
});

test('follow, unfollow and an edit count from the next read on', async () => {
  const [viewer, author] = [await service.addUser(), await service.addUser()];
  const post = await service.createPost(author, 'before the follow');
  assert.deepEqual(await texts(viewer), []);
  await service.follow(viewer, author);
  assert.deepEqual(await texts(viewer), ['before the follow']);
  await service.asAuthor(author).updatePost({ id: post.id, text: 'edited' });
  assert.deepEqual(await texts(viewer), ['edited']);
  await service.createPost(author, 'after the follow');
  await service.fanOut(2);
  assert.deepEqual(await texts(viewer), ['after the follow', 'edited']);
  await service.unfollow(viewer, author);
  assert.deepEqual(await texts(viewer), []);
  await service.createPost(author, 'after the unfollow');
  await service.fanOut(1);
  assert.deepEqual(await texts(viewer), []);
});

test('without Redis the answer is the same', async () => {
  const { viewer, author } = await newPair();
  await service.createPost(author, 'theirs');
  await service.createPost(viewer, 'mine');
  await service.fanOut(2);
  const before = await page(viewer, 1);
  await service.killRedis();
  try {
    assert.deepEqual(await page(viewer, 1), before);
    assert.deepEqual(await page(viewer, 1, before.nextPageToken), { texts: ['theirs'], nextPageToken: '' });
  } finally {
    await service.restartRedis();
  }
});

test('nobody, wrong fields and the token of another list are refused', async () => {
  const { viewer, author } = await newPair();
  for (const text of ['a', 'b']) await service.createPost(author, text);
  await assert.rejects(service.as().getFeed({}), refused('TOKEN_MISSING'));
  await assert.rejects(page(viewer, -1, 'x'.repeat(600)), refused('VALIDATION_FAILED', 'pageSize', 'pageToken'));
  const { nextPageToken } = await page(viewer, 1);
  assert.notEqual(nextPageToken, '');
  await assert.rejects(page(author, 1, nextPageToken), refused('PAGE_TOKEN_INVALID'));
  await assert.rejects(page(viewer, 1, 'x'), refused('PAGE_TOKEN_INVALID'));
});

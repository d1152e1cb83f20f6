import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import { GetFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';
import { Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { newId } from '#kit/ids.ts';
import { encodeFeedPage } from './response.ts';

const viewer = newId(1);
const other = newId(2);

function post(text: string, ownerId: string) {
  const message: Post = {
    id: newId(1_700_000_000_000),
    text,
    visibility: Post_Visibility.PUBLIC,
    createdAt: new Date(1_700_000_000_123),
    author: undefined,
    editedAt: undefined,
    entities: [],
    etag: '',
  };
  const author: UserSummary = { id: ownerId, handle: 'ada', displayName: 'Ada Lovelace ✨' };
  return { message, author, entry: { atMs: 1_700_000_000_123, id: message.id, ownerId } };
}

for (const length of [0, 1, 100, 127, 128, 300, 5_000, 20_000]) {
  test(`a page with a text of ${length} bytes decodes to what was put in`, () => {
    const posts = [post('a'.repeat(length), viewer), post('ü'.repeat(length / 2), other)];
    const hydrated = posts.map(({ message, author, entry }) => ({
      entry,
      post: Post.encode(message).finish(),
      author: UserSummary.encode(author).finish(),
    }));
    const page = encodeFeedPage(hydrated, { nextPageToken: 'token', sinceId: 'since', reset: true }, viewer);
    assert.deepEqual(GetFeedResponse.decode(page), {
      items: posts.map(({ message, author }, index) => ({
        post: { ...message, author },
        reason: index === 0 ? FeedItem_Reason.OWN_POST : FeedItem_Reason.FOLLOWED_AUTHOR,
      })),
      nextPageToken: 'token',
      sinceId: 'since',
      reset: true,
    });
  });
}

test('an empty page has no bytes', () => {
  assert.equal(encodeFeedPage([], { nextPageToken: '', sinceId: '', reset: false }, viewer).length, 0);
});

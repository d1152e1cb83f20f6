import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FeedItem } from '../client/api.ts';
import { compareFeed, type Difference } from './compare.ts';
import { createExpectedFeeds, type ExpectedFeeds, type KnownPost } from './expected-feeds.ts';

/** Person 0 follows 1 and 2; 3 is a stranger. Two posts are of the same millisecond. */
function society(): ExpectedFeeds {
  const feeds = createExpectedFeeds(4);
  feeds.follow(0, 1);
  feeds.follow(0, 2);
  const post = (id: string, author: number, createdAtMs: number): void =>
    feeds.post({ id, author, createdAtMs, visibility: 'PUBLIC', text: `text of ${id}` });
  post('a', 1, 1_000);
  post('b', 2, 2_000);
  post('c', 0, 2_000);
  post('d', 3, 3_000);
  post('e', 1, 4_000);
  return feeds;
}

const toItem = (post: KnownPost): FeedItem => ({
  id: post.id,
  text: post.text,
  visibility: post.visibility,
  createdAtMs: post.createdAtMs,
  edited: post.edited,
  authorId: `user-${post.author}`,
  reason: post.author === 0 ? 'OWN_POST' : 'FOLLOWED_AUTHOR',
});
const context = { reader: 0, userIdOf: (person: number) => `user-${person}`, explain: () => 'it was deleted' };
const compare = (actual: readonly FeedItem[], feeds = society()): Difference[] =>
  compareFeed(feeds.feedOf(0), actual, context);
const right = (feeds = society()): FeedItem[] => feeds.feedOf(0).map(toItem);
const kinds = (differences: readonly Difference[]): string[] => differences.map(({ kind }) => kind);

test('a feed holds one’s own posts and those of whom one follows, newest first by time, then by id', () => {
  assert.deepEqual(
    society()
      .feedOf(0)
      .map(({ id }) => id),
    ['e', 'c', 'b', 'a'],
  );
});

test('unfollowing, editing and deleting change what is expected', () => {
  const feeds = society();
  feeds.unfollow(0, 2);
  feeds.delete('a');
  feeds.edit('e', 'new text');
  assert.deepEqual(
    feeds.feedOf(0).map(({ id, text, edited }) => [id, text, edited]),
    [
      ['e', 'new text', true],
      ['c', 'text of c', false],
    ],
  );
  assert.equal(feeds.whatBecameOf('a'), 'deleted');
  assert.equal(feeds.whatBecameOf('z'), 'unknown');
  assert.deepEqual([...feeds.followersOf(2)], []);
});

test('a feed that is as it should be has no differences', () => {
  assert.deepEqual(compare(right()), []);
});

test('a missing post is reported', () => {
  const differences = compare(right().filter(({ id }) => id !== 'b'));
  assert.deepEqual(kinds(differences), ['missing']);
  assert.equal(differences[0]?.postId, 'b');
  assert.match(differences[0]?.text ?? '', /should be item 3: "text of b" by person 2, 1970-01-01T00:00:02.000Z/);
});

test('a post that does not belong there is reported with the reason', () => {
  const [first, ...rest] = right();
  assert(first);
  const differences = compare([first, { ...first, id: 'd', createdAtMs: 3_000 }, ...rest]);
  assert.deepEqual(differences, [{ kind: 'unexpected', postId: 'd', text: 'item 2: it was deleted' }]);
});

test('a post that is there twice is reported, wherever the second one stands', () => {
  const items = right();
  const [first] = items;
  assert(first);
  assert.deepEqual(kinds(compare([...items, first])), ['twice']);
  assert.deepEqual(kinds(compare([first, ...items])), ['twice']);
});

test('a wrong order is reported, also among posts of the same millisecond', () => {
  const [e, c, b, a] = right();
  assert(a && b && c && e);
  assert.deepEqual(kinds(compare([e, b, c, a])), ['order']);
  assert.deepEqual(kinds(compare([c, e, b, a])), ['order']);
});

for (const [name, change] of [
  ['text', { text: 'text of ë' }],
  ['author', { authorId: 'user-2' }],
  ['visibility', { visibility: 'FOLLOWERS' }],
  ['createdAt', { createdAtMs: 4_001 }],
  ['edited', { edited: true }],
  ['reason', { reason: 'OWN_POST' }],
] as const) {
  test(`another ${name} is reported`, () => {
    const [e, ...rest] = right();
    assert(e);
    const differences = compare([{ ...e, ...change }, ...rest]);
    assert.deepEqual(kinds(differences), ['content']);
    assert.match(differences[0]?.text ?? '', new RegExp(`item 1: ${name} is `));
  });
}

test('the same letters in another encoding are another text', () => {
  const feeds = society();
  feeds.edit('e', 'é'.normalize('NFD'));
  const [e, ...rest] = right(feeds);
  assert(e);
  assert.deepEqual(compare([e, ...rest], feeds), []);
  assert.deepEqual(kinds(compare([{ ...e, text: 'é'.normalize('NFC') }, ...rest], feeds)), ['content']);
});

test('any dropped, repeated or exchanged item is a difference', () => {
  const items = right();
  const index = fc.nat(items.length - 1);
  fc.assert(
    fc.property(index, index, fc.constantFrom('drop', 'repeat', 'exchange'), (at, other, how) => {
      const changed = [...items];
      const [one, two] = [items[at], items[other]];
      assert(one && two);
      if (how === 'drop') changed.splice(at, 1);
      if (how === 'repeat') changed.splice(other, 0, one);
      if (how === 'exchange') [changed[at], changed[other]] = [two, one];
      assert.equal(compare(changed).length > 0, how !== 'exchange' || at !== other);
    }),
  );
});

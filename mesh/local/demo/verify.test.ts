import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress } from '../cli/progress.ts';
import type { Api, FeedItem, FeedPage } from '../client/api.ts';
import { createExpectedFeeds, type KnownPost } from './expected-feeds.ts';
import type { DemoRun } from './phases.ts';
import { renderDifferences } from './summary.ts';
import { type Verdict, verifyAll } from './verify.ts';

/** Changes a page that a correct feed would give; `number` counts the pages of one reading. */
type Lie = (page: FeedPage, number: number) => FeedPage;

const people = 7;
const posts = 250;

/** Everyone follows everyone; each reads with other page sizes. */
async function verify(lie: Lie, afterPosts: (feeds: ReturnType<typeof createExpectedFeeds>) => void = () => {}) {
  const expected = createExpectedFeeds(people);
  for (let one = 0; one < people; one += 1) {
    for (let other = 0; other < people; other += 1) if (one !== other) expected.follow(one, other);
  }
  for (let post = 0; post < posts; post += 1) {
    const id = `post-${String(post).padStart(3, '0')}`;
    expected.post({ id, author: post % people, createdAtMs: Math.floor(post / 3), visibility: 'PUBLIC', text: id });
  }
  // What the feeds give is what was true before; what is expected may have changed since.
  const truth = Array.from({ length: people }, (_, reader) => expected.feedOf(reader));
  afterPosts(expected);
  const crowd = truth.map((_, reader) => {
    return { handle: `p${reader}`, userId: `user-${reader}`, token: async () => String(reader) };
  });
  const readFeed: Api['readFeed'] = async (token, pageSize, pageToken) => {
    return lie(pageOf(truth[Number(token)] ?? [], Number(token), pageSize, pageToken), Number(pageToken || 0));
  };
  const run = {
    api: { readFeed } as Api,
    progress: createProgress({ write: () => {} }),
    connections: 2,
    expected,
  } as DemoRun;
  return verifyAll(run, crowd, 'comparing');
}

function pageOf(feed: readonly KnownPost[], reader: number, pageSize = 20, pageToken = ''): FeedPage {
  const start = Number(pageToken || 0);
  const end = start + Math.min(pageSize, 100);
  const items = feed.slice(start, end).map((post): FeedItem => {
    const reason = post.author === reader ? 'OWN_POST' : 'FOLLOWED_AUTHOR';
    return { ...post, authorId: `user-${post.author}`, reason };
  });
  return { items, nextPageToken: end < feed.length ? String(end) : '' };
}

const kindsOf = ({ wrong }: Verdict): string[] => [
  ...new Set(wrong.flatMap(({ differences }) => differences.map(({ kind }) => kind))),
];

test('feeds that are right are exact, with every page size', async () => {
  const verdict = await verify((page) => page);
  assert.deepEqual(verdict.wrong, []);
  assert.deepEqual([verdict.exact, verdict.feeds, verdict.items], [people, people, people * posts]);
  assert(verdict.pages > people * 4);
});

for (const [what, lie, kind] of [
  ['drops the last item of a page', ({ items, ...page }) => ({ ...page, items: items.slice(0, -1) }), 'missing'],
  ['repeats the last item of a page', (page, at) => (at > 0 ? repeatFirst(page) : page), 'twice'],
  ['ends too early', (page, at) => (at > 0 ? { ...page, nextPageToken: '' } : page), 'missing'],
  ['turns the order around', ({ items, ...page }) => ({ ...page, items: [...items].reverse() }), 'order'],
  ['gives the same page token again and again', (page, at) => ({ ...page, nextPageToken: String(at) }), 'paging'],
  ['goes round in circles', (page) => ({ ...page, nextPageToken: page.nextPageToken || '1' }), 'paging'],
  ['gives more than was asked for', (page) => ({ ...page, items: Array(101).fill(page.items[0]) }), 'paging'],
] as const satisfies readonly (readonly [string, Lie, string])[]) {
  test(`a feed that ${what} is reported`, async () => {
    const verdict = await verify(lie);
    assert(verdict.exact < people);
    assert(kindsOf(verdict).includes(kind), kindsOf(verdict).join());
    assert.match(renderDifferences('feeds', verdict), /@p\d .*\n +\w+ /);
  });
}

test('a feed that has not heard of an edit, a delete and an unfollow is reported, with the reasons', async () => {
  const verdict = await verify(
    (page) => page,
    (feeds) => {
      feeds.edit('post-001', 'new text');
      feeds.delete('post-002');
      feeds.unfollow(0, 3);
    },
  );
  assert.equal(verdict.exact, 0);
  const text = verdict.wrong.flatMap(({ differences }) => differences.map((difference) => difference.text)).join('\n');
  assert.match(text, /text is "post-001", not "new text"/);
  assert.match(text, /edited is false, not true/);
  assert.match(text, /it was deleted/);
  assert.match(text, /its author, person 3, is not followed/);
});

function repeatFirst({ items, ...page }: FeedPage): FeedPage {
  return { ...page, items: items.slice(0, 1).concat(items) };
}

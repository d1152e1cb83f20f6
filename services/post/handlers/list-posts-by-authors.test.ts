import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';
import { POSTS_BY_AUTHORS } from './list-posts-by-authors.ts';

let service: TestPostService;
const authors = Array.from({ length: 40 }, (_, index) => newId(index));
interface Ref {
  id: string;
  authorId: string;
  publishedAtMs: bigint;
}
let all: Ref[];
before(async () => {
  service = await startPostService({ withUser: false });
  // Few of most, many of one, and many at the same millisecond.
  const rows = authors.flatMap((authorId, author) =>
    Array.from({ length: author === 7 ? 300 : author % 9 }, (_, index) => ({
      id: newId(index),
      authorId,
      publishedAtMs: BigInt(1_000 + ((author * 7 + index * 13) % 97)),
    })),
  );
  await service.db.query(
    {
      name: 'test-insert-posts',
      text: `insert into posts (id, author_id, text, visibility, published_at_ms, version)
        select *, 1 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::bigint[])`,
    },
    [
      rows.map(({ id }) => id),
      rows.map(({ authorId }) => authorId),
      rows.map(() => 'text'),
      rows.map((_, index) => (index % 2 === 0 ? 1 : 3)),
      rows.map(({ publishedAtMs }) => String(publishedAtMs)),
    ],
  );
  all = rows.sort((a, b) => Number(b.publishedAtMs - a.publishedAtMs) || (a.id < b.id ? 1 : -1));
});
after(() => service.close());

const expected = (authorIds: string[], before: Ref | undefined, pageSize: number) => {
  const known = new Set(authorIds);
  const after = before === undefined ? 0 : all.indexOf(before) + 1;
  return all
    .slice(after)
    .filter(({ authorId }) => known.has(authorId))
    .slice(0, pageSize);
};

test('exactly the newest before any place, for any authors and page sizes', async () => {
  for (const pageSize of [1, 2, 10, 37, 1_000]) {
    for (const chosen of [authors, authors.slice(0, 8), authors.slice(7, 8), authors.slice(0, 1), [newId(1)]]) {
      for (const before of [undefined, all[0], all[50], all[333], all.at(-1)]) {
        const position = before && { publishedAtMs: before.publishedAtMs, id: before.id };
        const { posts } = await service
          .internal('feed')
          .listPostsByAuthors({ authorIds: chosen, before: position, pageSize });
        assert.deepEqual(posts, expected(chosen, before, pageSize));
      }
    }
  }
});

test('authors named twice count once, and no authors have no posts', async () => {
  const { posts } = await service
    .internal('feed')
    .listPostsByAuthors({ authorIds: [...authors, ...authors], pageSize: 1_000 });
  assert.deepEqual(posts, all.slice(0, 1_000));
  assert.deepEqual(await service.internal('feed').listPostsByAuthors({ authorIds: [], pageSize: 1 }), { posts: [] });
});

test('a post that is neither public nor for followers is never listed', async () => {
  const author = newId(1);
  await service.db.query(
    {
      name: 'test-other-visibility',
      text: `insert into posts (id, author_id, text, visibility, published_at_ms, version)
        select gen_random_uuid(), $1, 'text', n % 5, n, 1 from generate_series(1, 50) n`,
    },
    [author],
  );
  const list = { authorIds: [author], before: undefined };
  for (const pageSize of [3, 100]) {
    const { posts } = await service.internal('feed').listPostsByAuthors({ ...list, pageSize });
    const expected = Array.from({ length: 50 }, (_, age) => 50 - age).filter((n) => n % 5 === 1 || n % 5 === 3);
    assert.deepEqual(
      posts.map(({ publishedAtMs }) => Number(publishedAtMs)),
      expected.slice(0, pageSize),
    );
  }
});

test('nothing but the index is read', async () => {
  // While a snapshot is open elsewhere, vacuum leaves pages unmarked, and the plan goes by those.
  const scans = await until('a plan that reads the index only', async () => {
    await service.db.query({ name: 'test-vacuum', text: 'vacuum analyze posts' });
    const found = await explain(service.db, POSTS_BY_AUTHORS, [`{${authors.join(',')}}`, 2_000, newId(1), 10, 2]);
    return found.every((scan) => scan['Node Type'] === 'Index Only Scan') && found;
  });
  assert.ok(scans.length > 0);
  for (const scan of scans) {
    assert.equal(scan['Index Name'], 'posts_by_author');
    assert.equal(scan['Rows Removed by Filter'] ?? 0, 0);
  }
});

test('10,001 authors are taken, one more and bad input refused', async () => {
  const many = Array.from({ length: 10_001 }, () => newId(5));
  assert.deepEqual(await service.internal('feed').listPostsByAuthors({ authorIds: many, pageSize: 1 }), { posts: [] });
  const list = (request: object) =>
    service.internal('feed').listPostsByAuthors({ authorIds: authors, pageSize: 1, ...request });
  await assert.rejects(list({ authorIds: [...many, newId(5)] }), refused('VALIDATION_FAILED', 'authorIds'));
  await assert.rejects(list({ authorIds: [authors[0], "x'"] }), refused('VALIDATION_FAILED', 'authorIds.1'));
  await assert.rejects(list({ pageSize: 0 }), refused('VALIDATION_FAILED', 'pageSize'));
  await assert.rejects(list({ pageSize: 1_001 }), refused('VALIDATION_FAILED', 'pageSize'));
  await assert.rejects(
    list({ before: { publishedAtMs: -1n, id: '' } }),
    refused('VALIDATION_FAILED', 'before.publishedAtMs', 'before.id'),
  );
});

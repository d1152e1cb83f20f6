import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillPage } from '#kit/fill-page.ts';
import type { Position } from '#kit/page-token.ts';

/** A list of the places 99, 98, …, 0, of which some are hidden, read in stretches of at most `stretch`. */
function listOf(isHidden: (atMs: number) => boolean, stretch = Number.POSITIVE_INFINITY) {
  const all: Position[] = Array.from({ length: 100 }, (_, index) => ({ atMs: 99 - index, id: '' }));
  const counts: number[] = [];
  const readPage = (before: Position | undefined, pageSize: number) =>
    fillPage({
      before,
      pageSize,
      async read(from, count) {
        counts.push(count);
        const rest = all.filter(({ atMs }) => from === undefined || atMs < from.atMs);
        const entries = rest.slice(0, Math.min(count, stretch));
        const isAll = entries.length === count || entries.length === rest.length;
        return { entries, next: isAll ? undefined : entries.at(-1) };
      },
      show: (entries) => entries.filter(({ atMs }) => !isHidden(atMs)).map(({ atMs }) => atMs),
      positionOf: (entry) => entry,
    });
  return { readPage, counts };
}

async function readAll(readPage: ReturnType<typeof listOf>['readPage'], pageSize: number): Promise<number[][]> {
  const pages: number[][] = [];
  let next: Position | undefined;
  do {
    const page = await readPage(next, pageSize);
    pages.push(page.items);
    next = page.next;
  } while (next !== undefined);
  return pages;
}

const descending = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);

test('a list without hidden entries is read in one round a page', async () => {
  const { readPage, counts } = listOf(() => false);
  assert.deepEqual(await readAll(readPage, 40), [descending(99, 60), descending(59, 20), descending(19, 0)]);
  assert.deepEqual(counts, [41, 41, 41]);
});

test('a page is filled up past what is hidden, and no entry is lost between pages', async () => {
  const isHidden = (atMs: number) => atMs % 3 === 0;
  for (const stretch of [7, 50, Number.POSITIVE_INFINITY]) {
    const pages = await readAll(listOf(isHidden, stretch).readPage, 20);
    assert.deepEqual(
      pages.map(({ length }) => length),
      [20, 20, 20, 6],
      `stretches of ${stretch}`,
    );
    assert.deepEqual(
      pages.flat(),
      descending(99, 0).filter((atMs) => !isHidden(atMs)),
    );
  }
});

test('a page of which too much is hidden stays short, and the next one goes on behind it', async () => {
  const { readPage, counts } = listOf((atMs) => atMs >= 30);
  const page = await readPage(undefined, 5);
  assert.deepEqual(page, { items: [], next: { atMs: 50, id: '' } });
  assert.equal(counts.length, 10);
  assert.deepEqual((await readPage(page.next, 5)).items, [29, 28, 27, 26, 25]);
});

test('a page that ends with the list has no next one', async () => {
  const { readPage } = listOf(() => false);
  assert.deepEqual(await readPage({ atMs: 5, id: '' }, 5), { items: [4, 3, 2, 1, 0], next: undefined });
  assert.equal((await readPage({ atMs: 6, id: '' }, 5)).next?.atMs, 1);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPages } from './pages.ts';

const numbers = ['0', '1', '2'];
/** A list of three pages, each of which names the next. */
const readPage = async (pageToken: string) => {
  const at = pageToken === '' ? 0 : Number(pageToken);
  return { items: [numbers[at]], nextPageToken: numbers[at + 1] ?? '' };
};

async function collect(maxPages: number, into: unknown[]): Promise<void> {
  for await (const { items } of readPages('the list', maxPages, readPage)) into.push(...items);
}

describe('a list that is read page by page', () => {
  it('ends where the token is empty', async () => {
    const items: unknown[] = [];
    await collect(numbers.length, items);
    assert.deepEqual(items, numbers);
  });

  it('fails when it has no end within the bound', async () => {
    const items: unknown[] = [];
    await assert.rejects(collect(numbers.length - 1, items), /the list has no end in 2 pages/);
    assert.deepEqual(items, numbers.slice(0, -1));
  });
});

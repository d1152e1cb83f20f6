import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExpectedFeeds } from '../demo/expected-feeds.ts';
import { compareList } from './compare-list.ts';
import { createFindings } from './findings.ts';

const post = (id: string, createdAtMs: number) => ({ id, createdAtMs, text: `text of ${id}` });
const [a, b, c] = [post('a', 3), post('b', 2), post('c', 1)];

function compare(found: readonly { id: string; createdAtMs: number; text: string }[]) {
  const expected = createExpectedFeeds(1);
  for (const one of [a, b, c, post('gone', 4)]) expected.post({ ...one, author: 0, visibility: 'PUBLIC' });
  expected.delete('gone');
  const findings = createFindings();
  compareList({ expected, findings }, 'a list', expected.feedOf(0), found);
  return findings.counts();
}

test('a list is judged post by post', () => {
  const none = { lost: 0, doubled: 0, outOfPlace: 0, wrong: 0 };
  assert.deepEqual(compare([a, b, c]), none);
  assert.deepEqual(compare([a, c]), { ...none, lost: 1 });
  assert.deepEqual(compare([a, b, b, c]), { ...none, doubled: 1 });
  assert.deepEqual(compare([a, b, { ...b, id: 'another', createdAtMs: 2 }, c]).doubled, 1, 'made twice');
  assert.deepEqual(compare([b, a, c]), { ...none, outOfPlace: 1 });
  assert.deepEqual(compare([a, { ...b, text: 'former text' }, c]), { ...none, wrong: 1 });
  assert.deepEqual(compare([post('gone', 4), a, b, c]), { ...none, wrong: 1 });
  assert.deepEqual(compare([a, b, c, post('foreign', 0)]), { ...none, wrong: 1 });
});

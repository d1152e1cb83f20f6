import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followerCounts, makeSociety } from './society.ts';

test('a society is the same each time, and nobody follows themselves or another twice', () => {
  const society = makeSociety(2_000);
  assert.deepEqual(makeSociety(2_000), society);
  for (const [person, followees] of society.followees.entries()) {
    assert.equal(new Set(followees).size, followees.length);
    assert(!followees.includes(person));
  }
  assert(society.postCounts.every((count) => count >= 1));
});

test('a few are followed by very many, most by few, and those who are active are like all', () => {
  const society = makeSociety(10_000);
  const counts = followerCounts(society);
  const sorted = counts.toSorted((a, b) => b - a);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  assert(mean(counts) > 15 && mean(counts) < 25, `${mean(counts)}`);
  assert((sorted[0] ?? 0) > 50 * mean(counts), `${sorted[0]}`);
  assert((sorted[5_000] ?? 0) < mean(counts), `${sorted[5_000]}`);
  assert.equal(society.active.length, 1_000);
  const ofActive = mean(society.active.map((person) => counts[person] ?? 0));
  assert(Math.abs(ofActive / mean(counts) - 1) < 0.2, `${ofActive}`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupWrites } from '#kit/db/grouped-writes.ts';
import { hasReason } from '#kit/errors.ts';

/** Writes that are on their way until the test lets them go. */
function heldWrites() {
  const groups: { items: readonly number[]; end: PromiseWithResolvers<void> }[] = [];
  const write = groupWrites<number, string>({
    async writeAll(items) {
      const end = Promise.withResolvers<void>();
      groups.push({ items, end });
      await end.promise;
      return items.map((item) => `written ${item}`);
    },
    isWorthSplitting: (error) => error instanceof RangeError,
  });
  return { write, groups };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes in one turn is one statement, and each gets its own result', async () => {
  const { write, groups } = heldWrites();
  const results = Promise.all([1, 2, 3].map(write));
  await turn();
  assert.deepEqual(
    groups.map(({ items }) => items),
    [[1, 2, 3]],
  );
  groups[0]?.end.resolve();
  assert.deepEqual(await results, ['written 1', 'written 2', 'written 3']);
});

test('what comes while two statements are on their way gathers for the next', async () => {
  const { write, groups } = heldWrites();
  const results: Promise<string>[] = [];
  for (const item of [1, 2, 3, 4]) {
    results.push(write(item));
    await turn();
  }
  assert.deepEqual(
    groups.map(({ items }) => items),
    [[1], [2]],
  );
  groups[1]?.end.resolve();
  assert.equal(await results[1], 'written 2');
  await turn();
  assert.deepEqual(groups[2]?.items, [3, 4]);
  for (const { end } of groups) end.resolve();
  assert.deepEqual(
    await Promise.all(results),
    [1, 2, 3, 4].map((item) => `written ${item}`),
  );
});

test('a group has a limit', async () => {
  const { write, groups } = heldWrites();
  const results = Promise.all(Array.from({ length: 65 }, (_, item) => write(item)));
  await turn();
  assert.deepEqual(
    groups.map(({ items }) => items.length),
    [64, 1],
  );
  for (const { end } of groups) end.resolve();
  assert.equal((await results).length, 65);
});

test('a statement that fails fails all its writes; one that is refused for one of them fails that one alone', async () => {
  const { write, groups } = heldWrites();
  const away = Promise.allSettled([1, 2].map(write));
  await turn();
  groups[0]?.end.reject(new Error('away'));
  assert.deepEqual(
    (await away).map(({ status }) => status),
    ['rejected', 'rejected'],
  );

  const refused = Promise.allSettled([3, 4].map(write));
  await turn();
  groups[1]?.end.reject(new RangeError('one of them is wrong'));
  await turn();
  assert.deepEqual(
    groups.slice(2).map(({ items }) => items),
    [[3], [4]],
  );
  groups[2]?.end.resolve();
  groups[3]?.end.reject(new RangeError('this one'));
  assert.deepEqual(
    (await refused).map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('no more writes gather than there may be calls in hand', async () => {
  const { write, groups } = heldWrites();
  const outcomes = Promise.allSettled(Array.from({ length: 1_100 }, (_, item) => write(item)));
  await turn();
  while (groups.at(-1)?.items.at(-1) !== 1_023) {
    for (const { end } of groups) end.resolve();
    await turn();
  }
  for (const { end } of groups) end.resolve();
  const refusals = (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  assert.equal(refusals.length, 1_100 - 1_024);
  for (const refusal of refusals) assert.ok(hasReason(refusal, 'UNAVAILABLE'));
});

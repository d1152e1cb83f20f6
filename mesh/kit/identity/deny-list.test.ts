import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';

test('an id is denied for longer than a token lives, then forgotten', () => {
  let nowMs = 0;
  const denyList = createDenyList({ nowMs: () => nowMs });
  denyList.deny('a');
  nowMs = 15 * MINUTE_MS;
  assert.deepEqual([denyList.isDenied('a'), denyList.isDenied('b')], [true, false]);
  nowMs = 20 * MINUTE_MS;
  assert.equal(denyList.isDenied('a'), false);
  denyList.deny('b');
  assert.equal(denyList.size, 1);
});

test('when it is full, the oldest makes place', () => {
  const denyList = createDenyList({ nowMs: () => 0 }, 2);
  for (const id of ['a', 'b', 'c']) denyList.deny(id);
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => denyList.isDenied(id)),
    [false, true, true],
  );
});

test('one can wait until an id is denied, but not for ever', async () => {
  const denyList = createDenyList({ nowMs: () => 0 });
  const waiting = ['a', 'a', 'b'].map((id) => denyList.whenDenied(id, id === 'b' ? 20 : 10_000));
  denyList.deny('a');
  assert.deepEqual(await Promise.all(waiting), [true, true, false]);
  assert.equal(await denyList.whenDenied('a', 10_000), true);
});

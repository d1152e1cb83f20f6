import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectGarbage } from './collect-garbage.ts';

test('what nobody holds is gone at once, and nothing of V8 is left to be called', () => {
  const bytes = 64 * 2 ** 20;
  let held: unknown[] | undefined = new Array(bytes / 8).fill(0).map((_, index) => index / 2);
  const before = process.memoryUsage().heapUsed;
  assert.ok(held.length > 0);
  held = undefined;
  collectGarbage();
  assert.ok(process.memoryUsage().heapUsed < before - bytes / 2);
  assert.equal(globalThis.gc, undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedRuns } from './shared-runs.ts';

test('who calls meanwhile shares the outcome, also a failure, and who calls afterwards has a run of its own', async () => {
  const runs: PromiseWithResolvers<number>[] = [];
  const ask = sharedRuns(() => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  });
  const first = [ask(), ask()];
  assert.equal(runs.length, 1);
  runs[0]?.resolve(7);
  assert.deepEqual(await Promise.all(first), [7, 7]);
  const failing = Promise.allSettled([ask(), ask()]);
  assert.equal(runs.length, 2);
  runs[1]?.reject(new Error('away'));
  assert.deepEqual(
    (await failing).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  const last = ask();
  assert.equal(runs.length, 3);
  runs[2]?.resolve(9);
  assert.equal(await last, 9);
});

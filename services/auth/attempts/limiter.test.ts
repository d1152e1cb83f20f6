import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasReason, OxoError } from '#kit/errors.ts';
import { createLimiter } from './limiter.ts';

test('so many run at once, so many wait in order, one more is told to come back', async () => {
  const limit = createLimiter({ concurrency: 2, maxWaiting: 2 });
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const run = (number: number) =>
    limit(async () => {
      started.push(number);
      await gates[number]?.promise;
      return number;
    });
  const results = [run(0), run(1), run(2), run(3)];
  await assert.rejects(run(4), (error) => {
    assert.ok(error instanceof OxoError);
    assert.deepEqual([error.reason, error.retryAfterMs], ['UNAVAILABLE', 1_000]);
    return true;
  });
  assert.deepEqual(started, [0, 1]);
  gates[1]?.resolve();
  assert.equal(await results[1], 1);
  await Promise.resolve();
  assert.deepEqual(started, [0, 1, 2]);
  for (const gate of gates) gate.resolve();
  assert.deepEqual(await Promise.all(results), [0, 1, 2, 3]);
  assert.equal(await run(4), 4);
});

test('a failure gives its place on, and who went away while waiting costs nothing', async () => {
  const limit = createLimiter({ concurrency: 1, maxWaiting: 10 });
  const gate = Promise.withResolvers<void>();
  const failing = limit(async () => {
    await gate.promise;
    throw new Error('failed');
  });
  const abort = new AbortController();
  let ran = false;
  const gone = limit(
    async () => {
      ran = true;
    },
    { signal: abort.signal },
  );
  const last = limit(async () => 'last');
  abort.abort();
  gate.resolve();
  await assert.rejects(failing, /failed/);
  await assert.rejects(gone, { name: 'AbortError' });
  assert.equal(await last, 'last');
  assert.equal(ran, false);
});

test('a flood from one network neither takes the places of others nor makes them wait for all of it', async () => {
  const limit = createLimiter({ concurrency: 1, maxWaiting: 4 });
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const ask = (network: string) => {
    const run = async () => {
      await gate.promise;
      order.push(network);
    };
    return limit(run, { network }).then(
      () => 'done',
      (error: unknown) => (hasReason(error, 'UNAVAILABLE') ? 'refused' : error),
    );
  };
  const flood = Array.from({ length: 6 }, () => ask('flood'));
  const others = ['a', 'b', 'b', 'b'].map(ask);
  gate.resolve();
  // One of the flood was at work already, and four waited: two of them gave way.
  assert.deepEqual(await Promise.all(flood), ['done', 'done', 'done', 'refused', 'refused', 'refused']);
  assert.deepEqual(await Promise.all(others), ['done', 'done', 'refused', 'refused']);
  assert.deepEqual(order, ['flood', 'flood', 'a', 'b', 'flood']);
});

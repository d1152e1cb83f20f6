import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { until } from '#kit/testing/until.ts';

const LIMIT_MS = 30;

test('gives the first answer that is one; errors and false are none yet', async () => {
  const answers = [() => false, () => undefined, () => assert.fail('not yet'), () => 0];
  assert.equal(await until('a number', () => answers.shift()?.()), 0);
  assert.deepEqual(answers, []);
});

test('how long an answer takes does not count: it is asked once more after the limit', async () => {
  const answers = [false, 'here'];
  const slow = async () => {
    await setTimeout(2 * LIMIT_MS);
    return answers.shift() ?? false;
  };
  assert.equal(await until('it is here', slow, LIMIT_MS), 'here');
});

test('fails with what was wrong last, when the answer after the limit is none either', async () => {
  let asked = 0;
  const never = () => assert.fail(`question ${++asked}`);
  await assert.rejects(until('it is here', never, LIMIT_MS), (error: Error) => {
    assert.match(error.message, /not within 30 ms: it is here/);
    assert.equal((error.cause as Error).message, `question ${asked}`);
    return true;
  });
  assert.ok(asked > 1);
});

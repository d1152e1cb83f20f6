import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observe, timingOf, untried, type Verdict } from './probe-state.ts';

/** The verdict after each try; + is a success. */
function verdicts(tries: string, probe: { successThreshold?: number; failureThreshold?: number } = {}): Verdict[] {
  let state = untried;
  return [...tries].map((one) => {
    state = observe(state, one === '+', timingOf(probe));
    return state.verdict;
  });
}

test('nothing is known before the first try, and the defaults are those of Kubernetes', () => {
  assert.equal(untried.verdict, 'unknown');
  assert.deepEqual(timingOf({}), {
    ...{ initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1_000, successThreshold: 1, failureThreshold: 3 },
  });
});

test('one success suffices, three failures in a row are needed', () => {
  assert.deepEqual(verdicts('+'), ['success']);
  assert.deepEqual(verdicts('--'), ['unknown', 'unknown']);
  assert.deepEqual(verdicts('+--+--'), ['success', 'success', 'success', 'success', 'success', 'success']);
  assert.deepEqual(verdicts('+---+'), ['success', 'success', 'success', 'failure', 'success']);
});

test('thresholds of a probe are kept', () => {
  assert.deepEqual(verdicts('-++', { failureThreshold: 1, successThreshold: 2 }), ['failure', 'failure', 'success']);
  assert.deepEqual(verdicts('+-+', { successThreshold: 2 }), ['unknown', 'unknown', 'unknown']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invalidFields, OxoError } from '#kit/errors.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';

const away = new OxoError('UNAVAILABLE', 'away');
const text = { field: 'text', description: 'must not be empty' };
const wrong = invalidFields([text, { field: 'links.0', description: 'a' }, { field: 'links.0', description: 'b' }]);

test('only this reason of ours is the refusal', () => {
  assert.equal(refused('UNAVAILABLE')(away), true);
  for (const other of [new OxoError('INTERNAL', 'x'), new Error('UNAVAILABLE'), { reason: 'UNAVAILABLE' }, undefined]) {
    assert.throws(() => refused('UNAVAILABLE')(other), assert.AssertionError);
  }
});

test('exactly these fields, by name or with what is said of them', () => {
  assert.equal(refused('VALIDATION_FAILED')(wrong), true);
  assert.equal(refused('VALIDATION_FAILED', 'text', 'links.0')(wrong), true);
  assert.equal(refused('VALIDATION_FAILED', text)(invalidFields([text])), true);
  for (const fields of [['text'], ['links.0', 'text'], ['text', 'links.0', 'links.0'], [text]]) {
    assert.throws(() => refused('VALIDATION_FAILED', ...fields)(wrong), assert.AssertionError);
  }
  const otherWords = { ...text, description: 'must be a text' };
  assert.throws(() => refused('VALIDATION_FAILED', otherWords)(invalidFields([text])), assert.AssertionError);
});

test('a call that fails in another way is neither answered nor refused', async () => {
  assert.equal(await isRefused(Promise.reject(away), 'UNAVAILABLE'), true);
  assert.equal(await isRefused(Promise.resolve(), 'UNAVAILABLE'), false);
  await assert.rejects(isRefused(Promise.reject(away), 'SESSION_REVOKED'), assert.AssertionError);
});

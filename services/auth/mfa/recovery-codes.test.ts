import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOfCode, looksLikeRecoveryCode, newRecoveryCodes, normaliseCode } from './recovery-codes.ts';

test('there are ten, all different, and each can be read from paper', () => {
  const codes = newRecoveryCodes();
  assert.equal(new Set(codes).size, 10);
  for (const code of codes) {
    assert.match(code, /^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
    assert.ok(looksLikeRecoveryCode(normaliseCode(code)));
  }
});

test('it does not matter how one is written', () => {
  const code = '01ab-1234-cdef-0011';
  const right = hashOfCode('a', normaliseCode(code));
  for (const written of [code.toUpperCase(), '01ab1234cdef0011', ' OlAB 1234 cdef ooIi ']) {
    assert.deepEqual(hashOfCode('a', normaliseCode(written)), right, written);
  }
  assert.notDeepEqual(hashOfCode('b', normaliseCode(code)), right);
  assert.ok(!looksLikeRecoveryCode(normaliseCode('123 456')));
});

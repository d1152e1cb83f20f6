import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf } from '../tokens/hash.ts';
import {
  decodeRefreshToken,
  encodeRefreshToken,
  matches,
  newRefreshToken,
  newRotationSalt,
  nextRefreshToken,
} from './refresh-token.ts';

const SESSION = '01890000-0000-7000-8000-000000000002';

test('a token is read as it was written', () => {
  const token = newRefreshToken(SESSION);
  assert.deepEqual(decodeRefreshToken(encodeRefreshToken(token)), token);
  assert.notDeepEqual(newRefreshToken(SESSION), token);
});

test('the next token needs the salt as well as the token', () => {
  const token = newRefreshToken(SESSION);
  const salt = newRotationSalt();
  const next = nextRefreshToken(token, salt);
  assert.deepEqual(nextRefreshToken(token, salt), next);
  assert.deepEqual([next.sessionId, next.family], [token.sessionId, token.family]);
  assert.notDeepEqual(nextRefreshToken(token, newRotationSalt()).secret, next.secret);
  assert.notDeepEqual(nextRefreshToken(newRefreshToken(SESSION), salt).secret, next.secret);
});

test('what is no token is not read', () => {
  const token = encodeRefreshToken(newRefreshToken(SESSION));
  for (const text of ['', token.slice(1), `${token}A`, `${token.slice(1)}+`, `${token.slice(1)}\n`]) {
    assert.equal(decodeRefreshToken(text), undefined);
  }
});

test('a hash belongs to one part', () => {
  const { family, secret } = newRefreshToken(SESSION);
  assert.equal(matches(hashOf(secret), secret), true);
  assert.equal(matches(hashOf(secret), family), false);
  assert.equal(matches(null, secret), false);
});

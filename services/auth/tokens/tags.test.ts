import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { createTokenFamilies } from '../sessions/token-families.ts';
import { createTaggedTokens } from './tags.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];

test('a token is ours when it was made under one of the secrets, for the same purpose', () => {
  const token = createTaggedTokens([first], 'one').create();
  assert.match(token, /^[\w-]{43}$/);
  assert.equal(createTaggedTokens([second, first], 'one').isOurs(token), true);
  assert.equal(createTaggedTokens([second], 'one').isOurs(token), false);
  assert.equal(createTaggedTokens([first], 'other').isOurs(token), false);
  for (const other of ['', 'x', `${token}x`, token.slice(1), `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`])
    assert.equal(createTaggedTokens([first], 'one').isOurs(other), false, other);
});

test('a family is ours for its own session alone', () => {
  const families = createTokenFamilies([first]);
  const [sessionId, other] = [newId(1), newId(2)];
  const family = families.create(sessionId);
  assert.equal(family.length, 16);
  assert.notDeepEqual(families.create(sessionId), family);
  assert.equal(families.isOurs({ sessionId, family }), true);
  assert.equal(families.isOurs({ sessionId: other, family }), false);
  assert.equal(families.isOurs({ sessionId, family: randomBytes(16) }), false);
  assert.equal(createTokenFamilies([second, first]).isOurs({ sessionId, family }), true);
  assert.equal(createTokenFamilies([second]).isOurs({ sessionId, family }), false);
});

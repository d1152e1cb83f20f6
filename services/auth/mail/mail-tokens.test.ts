import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { createMailTokens } from './mail-tokens.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];

test('a token leads back to its mail, and is the same whenever it is made', () => {
  const tokens = createMailTokens([first]);
  const id = newId(1);
  assert.equal(tokens.read(tokens.make(id)), id);
  assert.equal(tokens.make(id), createMailTokens([first]).make(id));
  assert.notEqual(tokens.make(id), tokens.make(newId(1)));
  assert.match(tokens.make(id), /^[\w-]{64}$/);
});

test('tokens of a secret that is being replaced still count, and those of another do not', () => {
  const id = newId(1);
  const token = createMailTokens([first]).make(id);
  assert.equal(createMailTokens([second, first]).read(token), id);
  assert.equal(createMailTokens([second]).read(token), undefined);
});

test('whatever is changed in a token, it is none', () => {
  const tokens = createMailTokens([first]);
  const token = tokens.make(newId(1));
  const changed = [...token].map(
    (character, at) => `${token.slice(0, at)}${character === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`,
  );
  for (const wrong of [...changed, '', token.slice(1), `${token}A`, `${token.slice(0, -1)}=`, 'ä'.repeat(64)])
    assert.equal(tokens.read(wrong), undefined, wrong);
});

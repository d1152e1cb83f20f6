import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { createKeyText, newSecret } from './key-text.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];
const keyText = createKeyText([first]);
const parts = { keyId: newId(1), generation: 70_000, secret: newSecret() };
const key = keyText.encode(parts);

test('a key says which it is, in characters that a double click takes', () => {
  assert.match(key, /^oxo_[0-9a-f]{32}_[\w-]{68}$/);
  assert.deepEqual(keyText.decode(key), parts);
});

test('a key of which any character is another is none', () => {
  for (let at = 0; at < key.length; at += 1) {
    const other = key[at] === '1' ? '2' : '1';
    assert.equal(keyText.decode(`${key.slice(0, at)}${other}${key.slice(at + 1)}`), undefined, String(at));
  }
});

test('neither another’s id, nor another generation, nor anything around a key makes one', () => {
  const other = keyText.encode({ ...parts, keyId: newId(2) });
  const newer = keyText.encode({ ...parts, generation: 70_001 });
  const wrong = [
    `${other.slice(0, 37)}${key.slice(37)}`,
    `${key.slice(0, 37)}${newer.slice(37, 60)}${key.slice(60)}`,
    ...[`${key} `, ` ${key}`, `${key}=`, `${key}\n`, key.slice(0, -1), key.toUpperCase(), '', 'oxo_', `x${key}`],
  ];
  for (const text of wrong) assert.equal(keyText.decode(text), undefined, text);
});

test('a key that was tagged with an older secret is known as long as that is kept, and by nobody else', () => {
  assert.deepEqual(createKeyText([second, first]).decode(key), parts);
  assert.equal(createKeyText([second]).decode(key), undefined);
  assert.throws(() => createKeyText([]), /no secret/);
});

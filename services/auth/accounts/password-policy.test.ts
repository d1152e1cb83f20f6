import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { weaknessOf } from './password-policy.ts';

const owner = { handle: 'long_handle', email: 'somebody.else@example.org' };

test('passwords that are guessed first are refused', () => {
  const common = [
    'password123',
    'Password123!',
    'QWERTYUIOP',
    '1q2w3e4r5t',
    'iloveyou123',
    '!!password!!',
    'ｐａｓｓｗｏｒｄ１２',
  ];
  for (const password of common) assert.match(weaknessOf(password, owner) ?? '', /most common/, password);
});

test('so are repetitions and sequences', () => {
  for (const password of [
    'aaaaaaaaaaaa',
    'abababababab',
    'xyzxyzxyzxyz',
    '          ',
    '7770777077707',
    'ééééééééééé',
  ]) {
    assert.match(weaknessOf(password, owner) ?? '', /repeat/, password);
  }
  for (const password of [
    '345678901234',
    'cdefghijklmn',
    'zyxwvutsrqp',
    'poiuytrewq',
    'uiopasdfghjk',
    '543210987654',
  ]) {
    assert.match(weaknessOf(password, owner) ?? '', /sequence|most common/, password);
  }
});

test('so are the handle and the email address', () => {
  for (const password of ['long_handle', 'LONG_HANDLE', 'Somebody.Else@example.org', 'somebody.else']) {
    assert.match(weaknessOf(password, owner) ?? '', /handle or the email/, password);
  }
});

test('others are not', () => {
  for (const password of [
    ...[
      'a walk in the rain 17',
      'correct horse battery staple',
      'tr0ub4dor&3 x',
      'long_handle 2',
      'mypasswordisnothere',
    ],
    ...['b7f0c1d2e3a49586', 'пароль от сердца', '山川草木山川草木花', 'qwertz-1-asdf-2'],
  ]) {
    assert.equal(weaknessOf(password, owner), undefined, password);
  }
});

test('every line of the list is one that the length would let through', () => {
  const lines = readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  assert.ok(lines.length > 500);
  for (const line of lines) assert.ok(line.length >= 10 && line === line.toLowerCase(), line);
  assert.equal(new Set(lines).size, lines.length);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../testing/authenticator-app.ts';
import { newTotpSecret, otpauthUri, stepOf, typedSecret } from './totp.ts';

/** RFC 6238, appendix B, of which six digits are the last of eight. */
const RFC_SECRET = Buffer.from('12345678901234567890');
const RFC_CODES: [seconds: number, code: string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];

test('codes are those of the standard', () => {
  for (const [seconds, code] of RFC_CODES) {
    assert.equal(stepOf(RFC_SECRET, code, seconds * 1_000), Math.floor(seconds / 30), code);
    assert.equal(codeOf(typedSecret(RFC_SECRET), seconds * 1_000), code);
  }
});

test('the code before and the code after count, and tell their own step', () => {
  const secret = newTotpSecret();
  const nowMs = 1_800_000_000_000;
  const step = nowMs / 30_000;
  for (const [apart, expected] of [
    [-2, undefined],
    [-1, step - 1],
    [0, step],
    [1, step + 1],
    [2, undefined],
  ] as const) {
    assert.equal(stepOf(secret, codeOf(typedSecret(secret), nowMs + apart * 30_000), nowMs), expected, String(apart));
  }
});

test('what is no code is wrong', () => {
  for (const text of ['', '28708', '2870820', '28708a', '２８７０８２', '-87082', '+87082']) {
    assert.equal(stepOf(RFC_SECRET, text, 59_000), undefined, text);
  }
});

test('an app gets all that it needs from the address', () => {
  const secret = newTotpSecret();
  const uri = new URL(otpauthUri(secret, 'ada'));
  assert.deepEqual([uri.protocol, uri.host, decodeURIComponent(uri.pathname)], ['otpauth:', 'totp', '/OXO:ada']);
  assert.deepEqual(Object.fromEntries(uri.searchParams), {
    ...{ issuer: 'OXO', secret: typedSecret(secret), algorithm: 'SHA1', digits: '6', period: '30' },
  });
  assert.match(typedSecret(secret), /^[A-Z2-7]{32}$/);
});

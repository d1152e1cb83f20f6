import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { decodePageToken, encodePageToken } from '#kit/page-token.ts';
import { refused } from '#kit/testing/refused.ts';

const position = { atMs: 1_764_000_000_123, id: newId(1_764_000_000_123) };

function assertRefused(list: string, token: string): void {
  assert.throws(() => decodePageToken(list, token), refused('PAGE_TOKEN_INVALID', 'pageToken'), token);
}

test('a token gives its position back, and needs no escaping in a URL', () => {
  const token = encodePageToken('posts:1', position);
  assert.match(token, /^[\w-]+$/);
  assert.deepEqual(decodePageToken('posts:1', token), position);
});

test('the empty token is the first page', () => {
  assert.equal(decodePageToken('posts:1', ''), undefined);
});

test('a token of another list is refused', () => {
  assertRefused('posts:2', encodePageToken('posts:1', position));
});

test('what is no token is refused', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [fingerprint] = JSON.parse(Buffer.from(encodePageToken('l', position), 'base64url').toString());
  const { atMs, id } = position;
  const wrong = [
    ...['x', '!', '%00', '\u0000', 'null', encode(null), encode({}), encode([]), encode('text')],
    ...[
      [fingerprint, atMs],
      [fingerprint, String(atMs), id],
      [fingerprint, -1, id],
      [fingerprint, 1.5, id],
    ].map(encode),
    ...[
      [fingerprint, 1e300, id],
      [fingerprint, atMs, 'id'],
      [fingerprint, atMs, `${id}'`],
      ['', atMs, id],
    ].map(encode),
    encodePageToken('l', position).slice(0, -4),
  ];
  for (const token of wrong) assertRefused('l', token);
});

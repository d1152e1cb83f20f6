import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { decodePageToken, encodePageToken, openPage, type Position, START } from '#kit/page-token.ts';
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

test('pages of a list follow one another to its end, and only the last has no token', () => {
  const all = Array.from({ length: 5 }, (_, index) => ({ atMs: 5 - index, id: newId(5 - index) }));
  const read = (pageToken: string) => {
    const page = openPage('l', { pageSize: 2, pageToken });
    const older = all.filter(
      ({ atMs, id }) => atMs < page.before.atMs || (atMs === page.before.atMs && id < page.before.id),
    );
    return page.close(older.slice(0, page.limit), (row): Position => row);
  };
  const first = read('');
  const second = read(first.nextPageToken);
  const third = read(second.nextPageToken);
  assert.deepEqual([first.rows, second.rows, third.rows], [all.slice(0, 2), all.slice(2, 4), all.slice(4)]);
  assert.deepEqual(
    [first, second, third].map(({ nextPageToken }) => nextPageToken === ''),
    [false, false, true],
  );
  assert.deepEqual(openPage('l', { pageSize: 2, pageToken: '' }).before, START);
  assert.throws(
    () => openPage('other', { pageSize: 2, pageToken: first.nextPageToken }),
    refused('PAGE_TOKEN_INVALID', 'pageToken'),
  );
});

test('a full last page has no token', () => {
  const page = openPage('l', { pageSize: 1, pageToken: '' });
  assert.equal(page.close([position], (row) => row).nextPageToken, '');
});

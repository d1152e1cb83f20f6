import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Metadata } from 'nice-grpc-common';
import { etagOf, readIfMatch } from '#kit/etag.ts';
import { refused } from '#kit/testing/refused.ts';

const check = (current: string, ifMatch?: string | string[], field?: string) =>
  readIfMatch({ metadata: Metadata(ifMatch === undefined ? {} : { 'if-match': ifMatch }) }, field)(current);
const mismatch = refused('ETAG_MISMATCH');

test('each version of each thing has an etag of its own, in the form of the header', () => {
  const etags = [etagOf('a', 1), etagOf('a', 2), etagOf('b', 1)];
  assert.equal(new Set(etags).size, 3);
  for (const etag of etags) assert.match(etag, /^"[\w-]{16}"$/);
  assert.equal(etagOf('a', 1), etags[0]);
});

test('without a condition, with *, and with the right etag it matches', () => {
  for (const right of [undefined, '*', ' * ', '"a"', '"b", "a"', ',"a",', ' "a" ,"b"', 'W/"a","a"', '"b,","a"']) {
    check('"a"', right);
  }
  check('"a"', ['"b"', '"a"']);
  check('"a"', undefined, '"a"');
  check('"a"', '"a"', '"a"');
});

test('with other etags, and with a weak one, it does not', () => {
  for (const other of ['"b"', '"b", "c"', 'W/"a"', '"A"', '"b,"', '"*"', '""'])
    assert.throws(() => check('"a"', other), mismatch);
  assert.throws(() => check('"a"', '*', '"b"'), mismatch);
  assert.throws(() => check('"a"', '"a"', '"b"'), mismatch);
  assert.throws(() => check('"a"', '"b"', '"a"'), mismatch);
  for (const other of ['a', 'W/"a"', '*', '"a","a"']) assert.throws(() => check('"a"', undefined, other), mismatch);
});

test('what is no list of etags is refused', () => {
  for (const wrong of [
    '',
    ' ',
    ',',
    'a',
    '"a',
    'a"',
    '"a" "b"',
    '"a"b',
    'w/"a"',
    'W/ "a"',
    '*, "a"',
    '**',
    '"a b"',
    "'a'",
  ]) {
    assert.throws(() => check('"a"', wrong), refused('VALIDATION_FAILED', 'If-Match'), wrong);
  }
});

test('a list says of each of its etags that it is in it, and of no other', () => {
  const opaque = fc.string({ unit: fc.constantFrom(...'abc,*/W!~'), maxLength: 5 });
  const tags = fc.array(fc.record({ opaque, weak: fc.boolean() }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(tags, opaque, fc.constantFrom(',', ', ', ' ,', ',,', ' , , '), (list, current, comma) => {
      const header = list.map(({ opaque, weak }) => `${weak ? 'W/' : ''}"${opaque}"`).join(comma);
      const matches = list.some(({ opaque, weak }) => !weak && opaque === current);
      if (matches) check(`"${current}"`, header);
      else assert.throws(() => check(`"${current}"`, header), mismatch);
    }),
  );
});

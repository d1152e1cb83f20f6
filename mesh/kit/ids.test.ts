import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idFromBytes, idToBytes, isId, newId } from '#kit/ids.ts';

test('ids are UUIDv7 of the given time, all different, in the order of their times', () => {
  const nowMs = 1_764_000_000_123;
  const ids = Array.from({ length: 2_000 }, () => newId(nowMs));
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) {
    assert.ok(isId(id), id);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), nowMs);
    assert.ok(newId(nowMs - 1) < id && id < newId(nowMs + 1));
  }
  // Every bit that should be random is 0 in one and 1 in another.
  const values = ids.map((id) => BigInt(`0x${id.replaceAll('-', '')}`));
  const varying = values.reduce((any, value) => any | (value ^ (values[0] ?? 0n)), 0n);
  assert.equal(varying, 0x0fff3fffffffffffffffn);
});

test('an id has one form', () => {
  const id = newId(1);
  for (const wrong of ['', id.toUpperCase(), ` ${id}`, `${id}\n`, id.replaceAll('-', ''), `{${id}}`, `${id}0`]) {
    // An id of digits only has no upper case.
    if (wrong !== id) assert.equal(isId(wrong), false, wrong);
  }
});

test('the bytes of an id stand for it', () => {
  const id = newId(1_764_000_000_123);
  assert.equal(idToBytes(id).length, 16);
  assert.equal(idFromBytes(idToBytes(id)), id);
  assert.equal(idFromBytes(Buffer.concat([Buffer.from('xy'), idToBytes(id)]), 2), id);
});

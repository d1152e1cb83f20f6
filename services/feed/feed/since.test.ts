import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { decodeSince, encodeSince, endOf, MAX_SEEN, type Place, UNKNOWN_PLACE } from './since.ts';

const viewer = newId(1);

test('a place comes back as it was, and its text is short enough to be sent', () => {
  const seen = Array.from({ length: MAX_SEEN }, () => endOf(newId(2)));
  const atMs = 1_700_000_000_000;
  const place: Place = {
    nonce: 'a'.repeat(11),
    count: 1e12,
    newest: { atMs, id: newId(5) },
    ownMs: atMs,
    pulledMs: atMs,
    pulledName: 'b'.repeat(11),
    seen,
  };
  for (const given of [place, { ...place, seen: [] }, UNKNOWN_PLACE]) {
    const text = encodeSince(viewer, given);
    assert.ok(text.length <= 512, `${text.length} characters`);
    assert.deepEqual(decodeSince(viewer, text), given);
  }
});

test('the id of a post is itself; what is for somebody else or no such text is refused', () => {
  const id = newId(3);
  assert.equal(decodeSince(viewer, id), id);
  const text = encodeSince(viewer, UNKNOWN_PLACE);
  for (const wrong of [encodeSince(newId(4), UNKNOWN_PLACE), text.slice(0, -5), 'x', '1', 'bnVsbA', id.toUpperCase()])
    assert.throws(() => decodeSince(viewer, wrong), refused('VALIDATION_FAILED', 'sinceId'));
});

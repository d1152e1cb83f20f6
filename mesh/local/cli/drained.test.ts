import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { drained } from './drained.ts';

test('what was written is waited for, unless nobody takes it, or the reader is gone', async () => {
  const taken: (() => void)[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) });
  await drained(stream);
  stream.write('one');
  let isDone = false;
  const waiting = drained(stream).then(() => {
    isDone = true;
  });
  await drained(stream, 0);
  assert.equal(isDone, false);
  taken[0]?.();
  await waiting;
  stream.write('two');
  stream.destroy();
  await drained(stream);
});

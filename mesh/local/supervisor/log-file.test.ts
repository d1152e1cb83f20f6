import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../testing/temporary.ts';
import { boundLog, lastLines } from './log-file.ts';

test('a log that is too long moves aside and starts anew', () => {
  const path = join(temporaryFolder(), 'x.log');
  writeFileSync(path, 'old\n'.repeat(100));
  boundLog(path, 100);
  appendFileSync(path, 'new\n');
  assert.equal(readFileSync(path, 'utf8'), 'new\n');
  assert.equal(readFileSync(`${path}.1`, 'utf8').length, 400);
});

test('a short log stays, a missing one is no error', () => {
  const path = join(temporaryFolder(), 'x.log');
  boundLog(path, 100);
  writeFileSync(path, 'short\n');
  boundLog(path, 100);
  assert.deepEqual(lastLines(path, 5), ['short']);
});

test('the last lines are the last ones', () => {
  const path = join(temporaryFolder(), 'x.log');
  assert.deepEqual(lastLines(path, 2), []);
  writeFileSync(path, '1\n2\n3\n');
  assert.deepEqual(lastLines(path, 2), ['2', '3']);
});

test('there are as many lines as are asked for, each whole, also from before the log began anew', () => {
  const path = join(temporaryFolder(), 'x.log');
  const line = (n: number) => `${n} ${'ä'.repeat(n % 300)}`;
  const lines = Array.from({ length: 5_000 }, (_, n) => line(n));
  writeFileSync(`${path}.1`, `${lines.slice(0, 2_000).join('\n')}\n`);
  writeFileSync(path, `${lines.slice(2_000).join('\n')}\n`);
  for (const count of [1, 2_999, 3_000, 3_001, 5_000]) assert.deepEqual(lastLines(path, count), lines.slice(-count));
  assert.deepEqual(lastLines(path, 9_999), lines);
  assert.deepEqual(lastLines(path, 0), []);
  writeFileSync(path, '');
  assert.deepEqual(lastLines(path, 1), [line(1_999)]);
});

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

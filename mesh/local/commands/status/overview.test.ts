import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarise } from './overview.ts';

test('a full disk is said although every process is ready', () => {
  const state = { phase: 'running', supervisor: { pid: 1, startedAt: '' }, publicUrl: 'http://127.0.0.1:1' } as const;
  const folder = '/somewhere';
  assert.match(summarise(state, true, false, { folder, full: false }), /^ready/);
  assert.match(summarise(state, false, false, { folder, full: true }), /disk is full \(df -h \/somewhere\)/);
});

test('a roll is said, also one that ended half-way', () => {
  const [supervisor, disk] = [
    { pid: 1, startedAt: '' },
    { folder: '/somewhere', full: false },
  ];
  const state = { phase: 'running', supervisor, publicUrl: 'http://127.0.0.1:1' } as const;
  assert.match(summarise({ ...state, phase: 'starting' }, false, false, disk), /being replaced by another version/);
  assert.equal(summarise({ ...state, phase: 'starting', version: 'a' }, false, false, disk), 'starting');
  const error = { message: 'the stack is of two versions now: auth is not ready', advice: ['./oxo up goes on'] };
  assert.equal(
    summarise({ ...state, error }, false, false, disk),
    'running, but the stack is of two versions now: auth is not ready\n./oxo up goes on',
  );
});

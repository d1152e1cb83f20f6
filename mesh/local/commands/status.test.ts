import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarise } from './status.ts';

test('a full disk is said although every process is ready', () => {
  const state = { phase: 'running', supervisor: { pid: 1, startedAt: '' }, publicUrl: 'http://127.0.0.1:1' } as const;
  const folder = '/somewhere';
  assert.match(summarise(state, true, false, { folder, full: false }), /^ready/);
  assert.match(summarise(state, false, false, { folder, full: true }), /disk is full \(df -h \/somewhere\)/);
});

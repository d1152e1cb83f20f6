import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StackState } from '../supervisor/state.ts';
import { judgePhase } from './state-folder.ts';

const state: StackState = {
  ...{ supervisor: { pid: 1, startedAt: '' }, portBase: 1, publicUrl: 'http://x', replicas: 1, own: {}, version: 'a' },
  ...{ phase: 'running', startedAt: new Date(0).toISOString(), steps: [], processes: [] },
};

test('a stack of two versions fails with its reason and the next step', () => {
  assert.equal(judgePhase(state).verdict, 'ok');
  const error = {
    message: 'the stack is of two versions now: auth is not ready',
    advice: ['its log', './oxo up goes on'],
  };
  const { verdict, message, next } = judgePhase({ ...state, version: undefined, error });
  assert.deepEqual([verdict, message, next], ['fail', error.message, './oxo up goes on']);
  assert.equal(judgePhase({ ...state, version: undefined }).verdict, 'warn');
});

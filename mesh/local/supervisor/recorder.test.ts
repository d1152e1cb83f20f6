/** /dev/full is a disk without room: whatever is written there fails with ENOSPC. */
import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import type { ProcessSnapshot, ProcessSpec } from './process.ts';
import { createRecorder } from './recorder.ts';
import { readState } from './state.ts';

const spec: ProcessSpec = {
  name: 'post',
  command: 'true',
  args: [],
  env: {},
  cwd: '/',
  logPath: '/dev/null',
  probe: async () => true,
  readyTimeoutMs: 1,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 1,
};
const snapshot: ProcessSnapshot = {
  name: 'post',
  state: 'ready',
  identity: undefined,
  restarts: 3,
  since: new Date(0).toISOString(),
  lastExit: undefined,
};

test('a full disk neither ends the supervisor nor keeps it from stopping; the state is written when there is room', async () => {
  const stateDir = temporaryFolder();
  const recorder = createRecorder(stateDir, { portBase: 1, publicUrl: 'http://x', replicas: 1, own: {} });
  recorder.phase('running');
  const fresh = join(stateDir, 'run/state.json.new');
  symlinkSync('/dev/full', fresh);
  recorder.process(spec, snapshot);
  recorder.phase('stopping');
  assert.equal(readState(stateDir)?.phase, 'running');
  rmSync(fresh);
  await until('the state is written', () => readState(stateDir)?.phase === 'stopping');
  assert.equal(readState(stateDir)?.processes[0]?.restarts, 3);
});

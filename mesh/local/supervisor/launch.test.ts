import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import type { Progress } from '../cli/terminal.ts';
import { readSettings } from '../settings.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { followStart, requireRecovered } from './launch.ts';
import { identify } from './proc.ts';
import { type ProcessRecord, writeState } from './state.ts';

/** The state of a stack whose supervisor is this process. */
function stackOf(processes: readonly ProcessRecord[]) {
  const settings = readSettings({ OXO_STATE_DIR: temporaryFolder() });
  const supervisor = identify(process.pid);
  assert(supervisor !== undefined);
  const { portBase, publicUrl, replicas, own } = settings;
  const startedAt = new Date(0).toISOString();
  writeState(settings.stateDir, {
    ...{ supervisor, portBase, publicUrl, replicas, own, startedAt, processes },
    phase: 'running',
    steps: [],
  });
  return settings;
}

const record = { restarts: 0, since: new Date(0).toISOString(), stopSignal: 'SIGTERM' } as const;

test('a stack whose processes are ready has recovered', async () => {
  await requireRecovered(stackOf([{ ...record, name: 'post', state: 'ready' }]), 0);
});

test('a service that keeps dying is named, with why and the end of its log', async () => {
  const settings = stackOf([
    { ...record, name: 'post', state: 'ready' },
    { ...record, name: 'feed', state: 'backing-off', restarts: 7, lastExit: 'exit code 3' },
  ]);
  mkdirSync(join(settings.stateDir, 'logs'));
  writeFileSync(join(settings.stateDir, 'logs/feed.log'), 'no such table\n');
  await assert.rejects(requireRecovered(settings, 0), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /feed .*backing-off.* 7 times.*exit code 3/);
    assert.match(error.advice.join('\n'), /no such table/);
    return true;
  });
});

const progress: Progress = {
  steps: () => {},
  note: () => {},
  transfer: () => {},
  step: async (_, work) => void (await work()),
};

test('a supervisor that is killed while it starts is told at once, also when no state is there', async () => {
  const settings = readSettings({ OXO_STATE_DIR: temporaryFolder() });
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await assert.rejects(followStart(settings, child, progress), /was killed \(SIGKILL\)/);
});

test('a supervisor whose stack was stopped before it could take it over says so', async () => {
  const child = spawn('bash', ['-c', 'exit 4'], { stdio: 'ignore' });
  await once(child, 'exit');
  await assert.rejects(followStart(stackOf([]), child, progress), /stopped meanwhile/);
});

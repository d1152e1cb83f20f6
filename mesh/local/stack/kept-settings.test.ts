import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { readSettings } from '../settings.ts';
import { environmentVariable, identify } from '../supervisor/proc.ts';
import { type Phase, writeState } from '../supervisor/state.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { describeKept, keptVariables, withKept } from './kept-settings.ts';

/** A state folder whose supervisor is this process, or another one. */
function folderOf(phase: Phase, variables: Record<string, string> | undefined, pid = process.pid): string {
  const stateDir = temporaryFolder();
  const supervisor = identify(pid);
  assert(supervisor !== undefined);
  writeState(stateDir, {
    ...{ supervisor, phase, portBase: 9000, publicUrl: 'https://oxo.example', replicas: 2, variables },
    ...{ own: { databaseUrl: 'postgres://a:b@c/d' }, startedAt: new Date(0).toISOString(), steps: [], processes: [] },
  });
  return stateDir;
}

test('what a stack runs with is kept, unless another value is given', () => {
  const kept = keptVariables(folderOf('running', { OXO_CORS_ORIGINS: 'none', LOG_LEVEL: 'debug' }));
  const fresh = readSettings(withKept(kept, { OXO_CORS_ORIGINS: '' }));
  assert.deepEqual(
    [fresh.corsOrigins, fresh.replicas, fresh.portBase, fresh.publicUrl],
    [[], 2, 9000, 'https://oxo.example'],
  );
  assert.equal(fresh.own.databaseUrl, 'postgres://a:b@c/d');
  assert.equal(fresh.variables.LOG_LEVEL, 'debug');
  const given = readSettings(withKept(kept, { OXO_CORS_ORIGINS: '*', OXO_REPLICAS: '1' }));
  assert.deepEqual([given.corsOrigins, given.replicas, given.variables.LOG_LEVEL], [['*'], 1, 'debug']);
});

test('a stack that was stopped starts as its caller says', () => {
  assert.deepEqual(keptVariables(folderOf('stopped', { OXO_CORS_ORIGINS: 'none' })), {});
  assert.deepEqual(keptVariables(temporaryFolder()), {});
});

test('of a supervisor that has not written them down, they are those of its environment', async (t) => {
  const env = { ...process.env, OXO_CORS_ORIGINS: 'none', KEY_ROTATE_AFTER_DAYS: '0' };
  const old = spawn('sleep', ['60'], { env });
  t.after(() => old.kill());
  await until('it has its environment', () => environmentVariable(old.pid ?? 0, 'KEY_ROTATE_AFTER_DAYS') === '0');
  const kept = keptVariables(folderOf('running', undefined, old.pid));
  assert.deepEqual([kept.OXO_CORS_ORIGINS, kept.KEY_ROTATE_AFTER_DAYS], ['none', '0']);
});

test('what is kept, changes or can not change is said, and no password', () => {
  const kept = keptVariables(folderOf('running', { OXO_CORS_ORIGINS: 'none' }));
  const env = { OXO_CORS_ORIGINS: '*', LOG_LEVEL: 'debug', OXO_PUBLIC_URL: 'https://other.example' };
  assert.deepEqual(describeKept(kept, env), {
    kept: ['OXO_PORT_BASE=9000', 'OXO_REPLICAS=2', 'DATABASE_URL=…'],
    changed: [
      { name: 'OXO_CORS_ORIGINS', before: 'none', now: '*' },
      { name: 'LOG_LEVEL', before: 'its default', now: 'debug' },
    ],
    ignored: ['OXO_PUBLIC_URL'],
  });
});

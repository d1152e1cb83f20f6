import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import { findFreePortBase, loopback, serverPorts } from '../ports.ts';
import { identify, isAlive } from '../supervisor/proc.ts';
import { type Phase, writeState } from '../supervisor/state.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { StackWasStoppedError, takeOverStack } from './roll.ts';
import { StackIsRunningError } from './stack.ts';

/** A stack whose supervisor is some process that lives. */
async function stackIn(t: TestContext, phase: Phase) {
  const stand = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.after(() => stand.kill('SIGKILL'));
  const supervisor = identify(stand.pid ?? 0);
  assert(supervisor !== undefined);
  const [stateDir, portBase] = [temporaryFolder(), await findFreePortBase()];
  writeState(stateDir, {
    ...{ supervisor, phase, portBase, publicUrl: 'http://x', replicas: 1, own: {}, processes: [], steps: [] },
    startedAt: new Date(0).toISOString(),
  });
  return { options: { stateDir, portBase, services: [] }, supervisor };
}

test('a stack that is told to stop, or that is not up yet, is not taken over', async (t) => {
  for (const phase of ['stopping', 'starting'] as const) {
    const { options, supervisor } = await stackIn(t, phase);
    await assert.rejects(takeOverStack(options, supervisor.pid, t.signal), StackWasStoppedError);
    assert.ok(isAlive(supervisor), phase);
  }
});

test('nobody takes over the stack of another supervisor than it was told', async (t) => {
  const { options, supervisor } = await stackIn(t, 'running');
  await assert.rejects(takeOverStack(options, supervisor.pid + 1, t.signal), StackIsRunningError);
  assert.ok(isAlive(supervisor));
});

test('a port of the second front door that is in use is named before anything is touched', async (t) => {
  const { options, supervisor } = await stackIn(t, 'running');
  const other = createServer().listen(serverPorts(options.portBase).envoyStandInAdmin, loopback);
  t.after(() => other.close());
  await once(other, 'listening');
  await assert.rejects(takeOverStack(options, supervisor.pid, t.signal), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /\(administration of a second Envoy\)/);
    return true;
  });
  assert.ok(isAlive(supervisor));
});

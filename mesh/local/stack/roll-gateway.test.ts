import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envoyStandIn } from '../servers/envoy.ts';
import type { ProcessSnapshot, ProcessSpec } from '../supervisor/process.ts';
import { replaceGateway } from './roll-gateway.ts';

/** A group of front doors: what runs, by name, and what was done in which order. */
function fixture(running: Readonly<Record<string, ProcessSnapshot['state']>>, failing?: string) {
  const present = new Map(Object.entries(running));
  const done: string[] = [];
  const snapshot = (name: string): ProcessSnapshot => {
    const state = present.get(name) ?? 'stopped';
    return { name, state, identity: undefined, restarts: 0, since: '', lastExit: undefined };
  };
  const group = {
    get: (name: string) => (present.has(name) ? { snapshot: () => snapshot(name) } : undefined),
    start: async ({ name }: ProcessSpec) => {
      present.set(name, name === failing ? 'backing-off' : 'ready');
      done.push(`start ${name}`);
      if (name === failing) throw new Error(`${name} is not ready`);
    },
    leave: async (name: string) => {
      if (present.delete(name)) done.push(`leave ${name}`);
    },
  };
  const specOf = (standIn: boolean): ProcessSpec => {
    done.push(`write ${standIn ? envoyStandIn : 'envoy'}`);
    const nothing = { command: '', args: [], env: {}, cwd: '/', logPath: '', probe: async () => true };
    return {
      ...nothing,
      name: standIn ? envoyStandIn : 'envoy',
      readyTimeoutMs: 0,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 0,
    };
  };
  const drain = async (standIn: boolean): Promise<void> => {
    const name = standIn ? envoyStandIn : 'envoy';
    if (present.get(name) !== 'ready') throw new Error('connection refused');
    done.push(`drain ${name}`);
  };
  return { roll: { group, specOf, drain }, present, done };
}

test('a second front door serves while the first is replaced, whose configuration is written when it is gone', async () => {
  const { roll, present, done } = fixture({ envoy: 'ready' });
  await replaceGateway(roll);
  assert.deepEqual(done, [
    ...['write envoy-stand-in', 'start envoy-stand-in', 'drain envoy', 'leave envoy'],
    ...['write envoy', 'start envoy', 'drain envoy-stand-in', 'leave envoy-stand-in'],
  ]);
  assert.deepEqual([...present], [['envoy', 'ready']]);
});

test('a second front door that does not start is gone, and the old one goes on as it was', async () => {
  const { roll, present, done } = fixture({ envoy: 'ready' }, envoyStandIn);
  await assert.rejects(replaceGateway(roll), /envoy-stand-in is not ready/);
  assert.deepEqual([...present], [['envoy', 'ready']]);
  assert.ok(!done.includes('write envoy'));
});

test('when the new front door does not start, the second one serves; the next roll goes on from there', async () => {
  const { roll, present } = fixture({ envoy: 'ready' }, 'envoy');
  await assert.rejects(replaceGateway(roll), /envoy is not ready/);
  assert.equal(present.get(envoyStandIn), 'ready');

  const next = fixture(Object.fromEntries(present));
  await replaceGateway(next.roll);
  assert.deepEqual(next.done, [
    ...['leave envoy', 'write envoy', 'start envoy', 'drain envoy-stand-in', 'leave envoy-stand-in'],
  ]);
});

test('a second front door that an earlier roll left beside the first is not believed', async () => {
  for (const left of ['ready', 'backing-off'] as const) {
    const { roll, present, done } = fixture({ envoy: 'ready', [envoyStandIn]: left });
    await replaceGateway(roll);
    assert.ok(done.indexOf('leave envoy-stand-in') < done.indexOf('start envoy-stand-in'), left);
    assert.deepEqual([...present], [['envoy', 'ready']]);
  }
});

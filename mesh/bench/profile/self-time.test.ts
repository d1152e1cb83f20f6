import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { findFreePortBase } from '../../local/ports.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { profileProcess } from './inspector.ts';
import { selfTimesOf } from './self-time.ts';

const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url, lineNumber: 9 } });

test('self time is summed by function and by module, and waiting is none', () => {
  const times = selfTimesOf({
    nodes: [
      node(1, '(idle)'),
      node(2, 'send', `file://${repositoryRoot}/node_modules/@grpc/grpc-js/build/src/call.js`),
      node(3, 'send', `file://${repositoryRoot}/node_modules/@grpc/grpc-js/build/src/call.js`),
      node(4, 'read', `file://${repositoryRoot}/services/feed/feed/window.ts`),
      node(5, 'writev'),
      node(6, '(garbage collector)'),
    ],
    startTime: 0,
    endTime: 20_000,
    samples: [1, 2, 3, 4, 5, 6, 1],
    timeDeltas: [4_000, 3_000, 2_000, 4_000, 2_000, 1_000, 4_000],
  });
  assert.deepEqual([times.elapsedMs, times.busyMs], [20, 12]);
  assert.deepEqual(times.functions.slice(0, 2), [
    { name: 'send @grpc/grpc-js/build/src/call.js:10', ms: 5 },
    { name: 'read services/feed/feed/window.ts:10', ms: 4 },
  ]);
  assert.deepEqual(
    times.modules.map(({ name }) => name),
    ['@grpc/grpc-js', 'services/feed', '(native)', '(garbage collector)'],
  );
});

test('a process that runs is profiled while something is done, and its inspector is closed again', async (context) => {
  const port = await findFreePortBase();
  // A function that calls itself: an empty loop would be inlined into its caller, and be gone from the profile.
  const burnTime = 'function burnTime(n) { return n < 2 ? n : burnTime(n - 1) + burnTime(n - 2); }';
  const code = `${burnTime} setInterval(() => burnTime(22), 1); console.log("runs")`;
  const child = spawn(process.execPath, [`--inspect-port=${port}`, '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  context.after(() => child.kill('SIGKILL'));
  // By then Node listens for the signal, which would otherwise end the process.
  await once(child.stdout, 'data');
  const turns = async () => {
    for (let turn = 0; turn < 300; turn += 1) await fetch(`http://127.0.0.1:${port}/json/version`);
  };
  for (let round = 0; round < 2; round += 1) {
    const { functions } = selfTimesOf(await profileProcess(child.pid ?? 0, turns, port));
    assert(functions.some(({ name }) => name.startsWith('burnTime')));
  }
});

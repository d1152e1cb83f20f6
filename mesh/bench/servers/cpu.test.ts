import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { addUse, cpuUse, idleUse, parseStat, readCpu } from './cpu.ts';

test('reads parent and times, also behind a name with spaces and parentheses', () => {
  const rest = 'S 42 7 7 0 -1 4194560 1 2 3 4 100 50 20 5 20 0 1 0 999';
  assert.deepEqual(parseStat(`17 (post) gres: (x) ${rest}`), { parent: 42, cpuMs: 1_750 });
  assert.equal(parseStat('17 (cut off) S 1 2'), undefined);
  assert.equal(parseStat(''), undefined);
});

test('what is used when idle is taken off', () => {
  const before = {
    atMs: 1_000,
    cpuMs: new Map([
      ['a', 10],
      ['b', 0],
    ]),
  };
  const idle = idleUse(before, {
    atMs: 2_000,
    cpuMs: new Map([
      ['a', 60],
      ['b', 0],
    ]),
  });
  assert.equal(idle.get('a'), 0.05);
  const use = cpuUse(
    before,
    {
      atMs: 5_000,
      cpuMs: new Map([
        ['a', 1_210],
        ['b', 30],
      ]),
    },
    idle,
  );
  assert.deepEqual(use, { elapsedMs: 4_000, totalMs: 1_030, byServerMs: { a: 1_000, b: 30 } });
  assert.equal(addUse(use, use).totalMs, 2_060);
  assert.deepEqual(addUse(use, use).byServerMs, { a: 2_000, b: 60 });
});

test('the time of a child counts while it runs and after it has ended', async (context) => {
  // The parent starts a child that burns 200 ms of CPU and ends, says so, and lives on.
  const burn = 'while (process.cpuUsage().user + process.cpuUsage().system < 200_000);';
  const script = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]);
    console.log('ended'); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => parent.kill('SIGKILL'));
  const server = { name: 'server', pid: parent.pid ?? 0 };
  await once(parent.stdout, 'data');
  const used = readCpu([server]).cpuMs.get('server') ?? 0;
  assert(used >= 150, `${used} ms`);
});

test('a server that has ended is an error: its time would be missing', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  assert.throws(() => readCpu([{ name: 'gone', pid: child.pid ?? 0 }]), /gone \(pid \d+\) has ended/);
});

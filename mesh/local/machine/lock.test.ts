import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { tryLock, withLock } from './lock.ts';

test('a lock has one holder, and is free after release', async () => {
  const name = `test ${process.pid} one`;
  const lock = await tryLock(name);
  assert(lock);
  assert.equal(await tryLock(name), undefined);
  await lock.release();
  const again = await tryLock(name);
  assert(again);
  await again.release();
});

test('a lock is free as soon as its holder is killed', async () => {
  const name = `test ${process.pid} killed`;
  const script = `const { tryLock } = await import(${JSON.stringify(new URL('./lock.ts', import.meta.url).href)});
    await tryLock(${JSON.stringify(name)}); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.equal(await tryLock(name), undefined);
  holder.kill('SIGKILL');
  const lock = await until('the lock is free', () => tryLock(name));
  await lock.release();
});

test('who waits is told once and goes on after the holder', async () => {
  const name = `test ${process.pid} wait`;
  const order: string[] = [];
  const holding = Promise.withResolvers<void>();
  const first = withLock(name, 5_000, async () => {
    await holding.promise;
    order.push('first');
  });
  const second = withLock(
    name,
    5_000,
    async () => void order.push('second'),
    () => {
      order.push('waits');
      holding.resolve();
    },
  );
  await Promise.all([first, second]);
  assert.deepEqual(order, ['waits', 'first', 'second']);
});

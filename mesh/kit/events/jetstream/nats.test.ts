import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connectNats } from '#kit/events/jetstream/nats.ts';
import { quiet } from '#kit/testing/bus.ts';
import { startNats } from '#kit/testing/nats.ts';
import { until } from '#kit/testing/until.ts';
import { TimeLimitError, withTimeLimit } from '#kit/time-limit.ts';

/** The one process that this one has started. */
async function childPid(): Promise<number> {
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ');
  assert.equal(children.length, 1);
  return Number(children[0]);
}

test('a server that hangs is not ready at once, and away within seconds', async (t) => {
  const server = await startNats();
  const pid = await childPid();
  const nats = await connectNats({ url: server.url(), name: 'test', logger: quiet });
  t.after(async () => {
    process.kill(pid, 'SIGCONT');
    await nats.close();
    await server.stop();
  });
  await nats.checkReady();
  process.kill(pid, 'SIGSTOP');
  // A signal takes a moment to reach all threads; until then the server answers.
  await until('it stands still', async () => / T /.test(await readFile(`/proc/${pid}/stat`, 'utf8')));
  await assert.rejects(withTimeLimit(nats.checkReady(), 200, 'hangs'), TimeLimitError);
  assert.equal(nats.isConnected(), true);
  await until('the loss is noticed', () => !nats.isConnected(), 20_000);
  await assert.rejects(nats.checkReady(), /not connected/);
  process.kill(pid, 'SIGCONT');
  await until('it is back', () => nats.checkReady().then(() => true));
});

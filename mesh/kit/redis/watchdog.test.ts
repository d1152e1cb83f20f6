import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { createWatchdog } from '#kit/redis/watchdog.ts';

const LIMIT_MS = 100;

/** Time that goes by while this process does nothing else: no timer fires and nothing is read. */
function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** A server in this process, so that an answer lies in the kernel, unread, as soon as it is written. */
async function startPeer(t: TestContext): Promise<{ answer: Promise<string>; write: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect(server.address() as { port: number });
  const [peer] = (await accepted) as [Socket];
  t.after(() => {
    for (const part of [client, peer, server]) 'destroy' in part ? part.destroy() : part.close();
  });
  return { answer: once(client, 'data').then(String), write: () => void peer.write('here') };
}

test('an answer that nobody gives is overdue', async () => {
  const overdue = Promise.withResolvers<void>();
  const watchdog = createWatchdog(LIMIT_MS, overdue.resolve);
  void watchdog.watch(new Promise(() => undefined));
  await overdue.promise;
  assert.equal(watchdog.awaited(), 1);
  watchdog.stop();
  assert.equal(watchdog.awaited(), 0);
});

test('an answer that lies unread because this process was held up, even twice, is not overdue', async (t) => {
  const { answer, write } = await startPeer(t);
  let overdue = 0;
  const watchdog = createWatchdog(LIMIT_MS, () => (overdue += 1));
  const watched = watchdog.watch(answer);
  const afterFirstLook = delay(LIMIT_MS + 1);
  holdUp(2 * LIMIT_MS);
  await afterFirstLook;
  // Of a turn of the event loop, timers come after this, and what is there to read before it.
  await nextTurn();
  write();
  holdUp(3 * LIMIT_MS);
  assert.equal(await watched, 'here');
  assert.equal(overdue, 0);
});

test('whose question left late, because this process was held up, has the whole time to answer it', async (t) => {
  const { answer, write } = await startPeer(t);
  let overdue = 0;
  const watchdog = createWatchdog(LIMIT_MS, () => (overdue += 1));
  const watched = watchdog.watch(answer);
  // Late by little more than what tells that it was held up.
  holdUp(LIMIT_MS + 60);
  await delay(LIMIT_MS - 20);
  write();
  assert.equal(await watched, 'here');
  assert.equal(overdue, 0);
});

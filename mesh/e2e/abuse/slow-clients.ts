import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { post, signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import { residentMib, undisturbed } from './bystander.ts';
import { openRaw, type RawClient, statusesOf } from './sockets.ts';

const clientsOfEach = 100;
const idleClients = 5_000;
/** A slow client's byte. */
const byteEveryMs = 400;
/** Longer than the front door waits for a request: 10 s for its head, 15 s for all of it. */
const patienceMs = 40_000;

const openMany = (world: World, count: number): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => openRaw(world)));

/** Sends a byte now and then until the other end has had enough. */
async function trickle(client: RawClient, start: string): Promise<void> {
  await client.send(start);
  const endMs = performance.now() + patienceMs;
  while (!client.isClosed() && client.received() === '' && performance.now() < endMs) {
    await client.send('a');
    await new Promise((resolve) => setTimeout(resolve, byteEveryMs));
  }
  await client.finished(1_000);
}

/** Clients that take their time, or all places. */
export const slowClients: Cases = {
  'slow heads and slow bodies are told that their time is over': async (world) => {
    const headOf = 'GET /api/v1/feed HTTP/1.1\r\nhost: a\r\nx-slow: ';
    const bodyOf = 'POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n{"identifier":"';
    await undisturbed(world, async () => {
      const heads = await openMany(world, clientsOfEach);
      const bodies = await openMany(world, clientsOfEach);
      await Promise.all([
        ...heads.map((client) => trickle(client, headOf)),
        ...bodies.map((client) => trickle(client, bodyOf)),
      ]);
      for (const client of [...heads, ...bodies]) {
        assert.deepEqual(statusesOf(client.received()), [408]);
        assert.match(client.received(), /"reason":"REQUEST_TIMEOUT"/);
        client.destroy();
      }
    });
  },

  'clients that do not read their answers keep nobody waiting, and cost a bounded amount': async (world) => {
    const author = await signUp(world.api);
    for (let count = 0; count < 5; count += 1) await post(world.api, author, '😀'.repeat(5_000));
    const ask = `GET /api/v1/feed HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${author.accessToken}\r\n\r\n`;
    const envoy = world.stack.process('envoy').pid();
    const beforeMib = residentMib(envoy);
    await undisturbed(world, async () => {
      const readers = await openMany(world, clientsOfEach);
      for (const reader of readers) {
        reader.socket.pause();
        await reader.send(ask.repeat(50));
      }
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      assert.ok(residentMib(envoy) - beforeMib < 200, `${beforeMib} → ${residentMib(envoy)} MiB`);
      for (const reader of readers) reader.destroy();
    });
  },

  'thousands of connections that ask nothing leave room for others': async (world) => {
    await undisturbed(world, async () => {
      const idle: RawClient[] = [];
      while (idle.length < idleClients) idle.push(...(await openMany(world, 250)));
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      assert.equal(idle.filter((client) => client.isClosed()).length, 0);
      for (const client of idle) client.destroy();
    });
  },
};

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { services } from '../../local/services.ts';
import { signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import { addressOf } from './sockets.ts';

const pauseMs = 20;
/** For one answer. A machine under other work is slow; an attack that works takes all there is. */
const patienceMs = 60_000;

/**
 * Runs an attack while somebody else reads their feed, over a new connection each time, and asserts that every answer is right, and that no
 * server died of the attack.
 */
export async function undisturbed(world: World, attack: () => Promise<void>): Promise<void> {
  const person = await signUp(world.api);
  const before = pidsOf(world);
  let attacking = true;
  let answered = 0;
  const reading = (async () => {
    // At least once after it has begun, and once when it is over.
    do {
      assert.equal(await readFeed(world, person.accessToken), 200);
      answered += 1;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    } while (attacking);
    assert.equal(await readFeed(world, person.accessToken), 200);
  })();
  try {
    await Promise.race([attack(), reading.then(() => assert.fail('the reader ended'))]);
  } finally {
    attacking = false;
    await reading;
  }
  assert.ok(answered > 0);
  assert.deepEqual(pidsOf(world), before, 'a process has died');
}

/** Memory of a process. */
export function residentMib(pid: number | undefined): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1_024;
}

function pidsOf({ stack }: World): (number | undefined)[] {
  return ['envoy', ...services.map(({ name }) => name)].map((name) => stack.process(name).pid());
}

function readFeed(world: World, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const options = { ...addressOf(world), path: '/api/v1/feed', headers, agent: new Agent(), timeout: patienceMs };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${patienceMs} ms`)));
    outgoing.once('error', reject);
    outgoing.end();
  });
}

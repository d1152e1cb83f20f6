import assert from 'node:assert/strict';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { Cases } from '../testing/cases.ts';
import { post, readPosts, signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import { residentMib, undisturbed } from './bystander.ts';
import { addressOf } from './sockets.ts';

/** More than the front door lets through to a service. */
const clients = 1_000;
const durationMs = 3_000;

type Reply = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

function sendPost(world: World, agent: Agent, token: string): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const options = { ...addressOf(world), agent, method: 'POST', path: '/api/v1/posts', headers, timeout: 30_000 };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      answer.once('error', reject);
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.once('error', reject);
    outgoing.end('{"text":"one of very many"}');
  });
}

function assertBusy({ status, headers, body }: Reply): void {
  assert.equal(status, 503, body);
  assert.equal(headers['retry-after'], '1');
  const { code, details } = JSON.parse(body);
  assert.deepEqual([code, details[0].reason, details[1].retryDelay], [14, 'UNAVAILABLE', '1s']);
}

/** Far more requests than can be served, by clients that ask again at once. */
export const overload: Cases = {
  'what is too much is refused, what was acknowledged is there, and reads go on': async (world) => {
    const author = await signUp(world.api);
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    const pidOf = (name: string) => world.stack.process(name).pid();
    const beforeMib = [residentMib(pidOf('envoy')), residentMib(pidOf('post'))] as const;
    const acknowledged: string[] = [];
    let refused = 0;
    await undisturbed(world, async () => {
      const endMs = performance.now() + durationMs;
      const insist = async (): Promise<void> => {
        do {
          const reply = await sendPost(world, agent, author.accessToken);
          if (reply.status === 201) acknowledged.push(JSON.parse(reply.body).post.id);
          else assertBusy(reply);
          if (reply.status !== 201) refused += 1;
        } while (performance.now() < endMs);
      };
      await Promise.all(Array.from({ length: clients }, insist));
    });
    agent.destroy();
    // A machine that answers all of them at once would prove nothing.
    assert.ok(refused > 0 && acknowledged.length > 0, `${refused} refused, ${acknowledged.length} acknowledged`);
    await post(world.api, author, 'the load is gone');
    const kept = new Set((await readPosts(world.api, author)).map(({ id }) => id));
    assert.deepEqual(
      acknowledged.filter((id) => !kept.has(id)),
      [],
      'acknowledged and lost',
    );
    const afterMib = [residentMib(pidOf('envoy')), residentMib(pidOf('post'))] as const;
    for (const index of [0, 1] as const) {
      assert.ok(afterMib[index] - beforeMib[index] < 300, `${beforeMib[index]} → ${afterMib[index]} MiB`);
    }
  },
};

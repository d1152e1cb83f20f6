import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import { services } from '../../local/services.ts';
import type { Cases } from '../testing/cases.ts';
import { beginWriting, gather, requireDelivered, untilMore } from '../testing/crowd.ts';
import { inDatabase } from '../testing/database.ts';
import { edit, feedTexts, follow, type Person, post, remove, unfollow } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

/** Schemas whose events a relay publishes. */
const schemas = ['auth', 'posts', 'users'];

export const twoOfEach: Cases = {
  'both take part, and what one has answered is true of the other at once': async (world) => {
    const { api } = world;
    const { authors, followers } = await gather(api, 2, 2);
    const [author, reader] = [authors[0], followers[0]] as [Person, Person];
    for (let round = 0; round < 8; round += 1) {
      const [kept, doomed] = [await post(api, author, `kept ${round}`), await post(api, author, 'doomed')];
      await world.settled();
      await edit(api, author, kept, { text: `edited ${round}` });
      await remove(api, author, doomed);
      for (const viewer of [author, reader, author, reader]) {
        const texts = await feedTexts(api, viewer, 3);
        assert.deepEqual([texts.length, texts[0]], [round + 1, `edited ${round}`]);
      }
      await unfollow(api, reader, author);
      assert.deepEqual(await feedTexts(api, reader), []);
      await follow(api, reader, author);
      assert.equal((await feedTexts(api, reader)).length, round + 1);
    }
    for (const name of services.flatMap((service) => [service.name, `${service.name}-2`])) {
      assert.ok((await callsOf(world, name)) > 0, `${name} was called`);
    }
  },

  'one relay a schema leads; when it is killed the other goes on, and every post arrives': async (world) => {
    const crowd = await gather(world.api, 2, 3);
    const leadersBefore = await leaders(world);
    assert.deepEqual(Object.keys(leadersBefore), schemas);
    const writing = beginWriting(world.api, crowd.authors, 'leader', 1);
    let changes = 0;
    // One of the two leads.
    for (const name of ['post', 'post-2']) {
      await untilMore(writing, 5);
      const [before] = (await leaders(world)).posts ?? [];
      await world.kill(name);
      const [after] = await until('a relay leads', async () => (await leaders(world)).posts);
      if (after !== before) changes += 1;
    }
    assert.ok(changes > 0, 'the one that led was killed');
    await untilMore(writing, 5);
    const written = await writing.stop();
    await world.settled();
    await requireDelivered(world.api, crowd, written);
    const leadersAfter = await leaders(world);
    for (const schema of schemas) assert.equal(leadersAfter[schema]?.length, 1, schema);
  },

  'one of each away: what is asked meanwhile is answered by the other': async (world) => {
    const { api } = world;
    const { authors, followers } = await gather(api, 1, 1);
    const [author, reader] = [authors[0], followers[0]] as [Person, Person];
    const names = ['auth-2', 'user-2', 'post-2', 'feed-2'];
    await until('no replica rests', () => nobodyRests(world));
    for (const name of names) await world.stack.process(name).pause('SIGKILL');
    try {
      const written = beginWriting(api, authors, 'alone', 2);
      await untilMore(written, 30);
      const { doubtful } = await written.stop();
      assert.deepEqual(doubtful, [], 'no write fails');
      await world.settled();
      assert.deepEqual(await feedTexts(api, reader), await feedTexts(api, author));
    } finally {
      await Promise.all(names.map((name) => world.stack.process(name).resume()));
    }
  },
};

/** Whether the front door uses all replicas: one that has died lately is left out for a moment. */
async function nobodyRests({ stack }: World): Promise<boolean> {
  const response = await fetch(`${stack.urls.envoyAdmin}/stats?filter=outlier_detection.ejections_active`);
  const resting = [...(await response.text()).matchAll(/ejections_active: (\d+)$/gm)].map(([, count]) => Number(count));
  assert.ok(resting.length > 0, 'the front door tells who rests');
  return resting.every((count) => count === 0);
}

/** Calls that a process has answered. */
async function callsOf({ stack }: World, name: string): Promise<number> {
  const response = await fetch(`${stack.urls.operations[name]}/metrics`);
  const counts = (await response.text()).matchAll(/^oxo_rpc_server_duration_seconds_count\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Backends whose relay holds its schema's lock, by schema. */
async function leaders({ stack }: World): Promise<Record<string, number[]>> {
  return inDatabase(stack.urls.database, async (client) => {
    const { rows } = await client.query<{ schema: string; pids: number[] }>(
      `select n.nspname as schema, array_agg(l.pid) as pids from pg_locks l join pg_class c on c.oid = l.relation
         join pg_namespace n on n.oid = c.relnamespace
        where c.relname = 'relay_lock' and l.mode = 'ExclusiveLock' and l.granted group by 1 order by 1`,
    );
    return Object.fromEntries(rows.map(({ schema, pids }) => [schema, pids]));
  });
}

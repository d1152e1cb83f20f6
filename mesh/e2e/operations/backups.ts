import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { findFreePortBase } from '../../local/ports.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import { oxo } from '../../local/testing/command.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import type { Cases } from '../testing/cases.ts';
import type { Api } from '../testing/client.ts';
import { type Crowd, gather } from '../testing/crowd.ts';
import {
  edit,
  feedTexts,
  follow,
  logIn,
  type Person,
  post,
  readPosts,
  remove,
  signUp,
  type User,
} from '../testing/people.ts';
import { startWorld, type World } from '../testing/world.ts';
import {
  requireInterruptible,
  requireNotSprung,
  requireRestoreInLog,
  requireSameAuditLog,
  setTrap,
} from './restores.ts';

export const backups: Cases = {
  'a backup that is restored elsewhere has every feed, profile, post and account; life goes on there': async (
    world,
  ) => {
    const crowd = await fill(world);
    const folder = join(temporaryFolder(), 'backup');
    const disarm = await setTrap(world);
    const saved = await oxo(['backup', '--to', folder], { env: { OXO_STATE_DIR: world.stateDir } });
    await disarm();
    assert.equal(saved.code, 0, saved.err);
    assert.match(saved.out, /encrypt it/);
    for (const name of ['', 'manifest.json', 'secrets.json', 'posts.dump', 'EVENTS.stream']) {
      assert.equal(statSync(join(folder, name)).mode & 0o077, 0, `${name} is open to others`);
    }
    const before = await describe(world.api, crowd);

    const stateDir = temporaryFolder();
    const env = { OXO_STATE_DIR: stateDir, OXO_PORT_BASE: String(await findFreePortBase()) };
    await requireRefusals(folder, world.stateDir, env);
    const restored = await oxo(['restore', folder], { env });
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.out, /rows, compared[\s\S]*messages, compared/);

    const other = await startWorld({ stateDir, portBase: Number(env.OXO_PORT_BASE) });
    try {
      await requireNotSprung(other);
      await requireSameAuditLog(world, other);
      await requireSameEvents(world, other);
      const people = await Promise.all(
        [...crowd.authors, ...crowd.followers].map((person) => logIn(other.api, person)),
      );
      const moved: Crowd = { authors: people.slice(0, 2), followers: people.slice(2) };
      await other.settled();
      assert.deepEqual(await describe(other.api, moved), before);
      const [author, newcomer] = [moved.authors[0] as Person, await signUp(other.api)];
      await follow(other.api, newcomer, author);
      await post(other.api, author, 'after the restore');
      await other.settled();
      for (const reader of [newcomer, ...moved.followers]) {
        assert.equal((await feedTexts(other.api, reader))[0], 'after the restore');
      }
    } finally {
      await other.stop();
    }
    await requireForce(folder, stateDir, env);
    await requireInterruptible(folder, env);
  },
};

async function fill({ api, settled }: World): Promise<Crowd> {
  const crowd = await gather(api, 2, 2);
  const [first, second] = crowd.authors as [Person, Person];
  for (let number = 0; number < 5; number += 1) {
    const [one] = await Promise.all([post(api, first, `first ${number}`), post(api, second, `second ${number}`)]);
    if (number === 1) await edit(api, first, one, { text: 'edited' });
    if (number === 2) await remove(api, first, one);
  }
  await settled();
  return crowd;
}

/** All that people see of each other. */
async function describe(api: Api, { authors, followers }: Crowd) {
  const feeds = await Promise.all([...authors, ...followers].map((person) => feedTexts(api, person)));
  const posts = await Promise.all(authors.map(async (author) => readPosts(api, author)));
  const profiles = await Promise.all(
    authors.map(({ id, accessToken }) => api.get<{ user: User }>({ path: `/users/${id}`, token: accessToken })),
  );
  return { feeds, posts, profiles };
}

/** What is damaged, of a newer release, or goes where something is already, changes nothing. */
async function requireRefusals(folder: string, runningDir: string, env: Record<string, string>): Promise<void> {
  const running = await oxo(['restore', folder, '--force'], { env: { OXO_STATE_DIR: runningDir } });
  assert.equal(running.code, 1);
  assert.match(running.err, /the stack runs[\s\S]*oxo down/);
  for (const [name, problem] of [
    ['posts.dump', /posts\.dump is not what was written/],
    ['manifest.json', /newer release.*20990101-future/],
  ] as const) {
    const path = join(folder, name);
    const whole = readFileSync(path);
    if (name === 'manifest.json') writeFileSync(path, whole.toString().replace('20261123-initial', '20990101-future'));
    else writeFileSync(path, Buffer.concat([whole, Buffer.from('x')]));
    const { code, err } = await oxo(['restore', folder], { env });
    writeFileSync(path, whole);
    assert.equal(code, 1);
    assert.match(err, problem);
    assert.equal(existsSync(join(env.OXO_STATE_DIR ?? '', 'secrets.json')), false);
  }
}

/** Where there is something it is refused without --force. */
async function requireForce(folder: string, stateDir: string, env: Record<string, string>): Promise<void> {
  const refused = await oxo(['restore', folder], { env });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /there is something already[\s\S]*--force/);
  assert.ok(existsSync(join(stateDir, 'data/postgres/PG_VERSION')));
  const forced = await oxo(['restore', folder, '--force', '--end-sessions'], { env });
  assert.equal(forced.code, 0, forced.err);
  const [, ended] = /(\d+) sessions ended/.exec(forced.out) ?? [];
  assert.ok(Number(ended) >= 4, forced.out);
  const [, aside = ''] = /is kept in (.*)/.exec(forced.out) ?? [];
  assert.ok(existsSync(join(aside, 'data/postgres/PG_VERSION')), forced.out);
  const servers = await startWorld({ stateDir, portBase: Number(env.OXO_PORT_BASE), serversOnly: true });
  try {
    await requireRestoreInLog(servers, Number(ended));
  } finally {
    await servers.stop();
  }
}

/** The same events under the same numbers, and consumers that go on behind what they had handled. */
async function requireSameEvents(source: World, target: World): Promise<void> {
  const [before, after] = await Promise.all([source, target].map(eventsOf));
  assert.ok(before !== undefined && after !== undefined && before.lastSequence > 0);
  assert.ok(after.lastSequence >= before.lastSequence);
  assert.equal(after.firstSequence, before.firstSequence);
  assert.ok(after.handled >= before.handled && before.handled > 0);
}

async function eventsOf({ stack }: World) {
  const connection = await connectOnce(stack.urls.nats);
  try {
    const manager = await jetstreamManager(connection);
    const { first_seq: firstSequence, last_seq: lastSequence } = (await manager.streams.info('EVENTS')).state;
    const { ack_floor } = await manager.consumers.info('EVENTS', 'feed-fanout');
    return { firstSequence, lastSequence, handled: ack_floor.stream_seq };
  } finally {
    await connection.close();
  }
}

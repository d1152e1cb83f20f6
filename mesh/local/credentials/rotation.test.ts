import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSecrets, type Secrets } from '../secrets.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { type Rollout, takeTurns } from './rotation.ts';
import { otherNames, pending, ratelimitUsers, replaceSecrets, signersOf, userOf, withoutFormer } from './turns.ts';

const services = ['auth', 'feed'];
const all = [...services, ...otherNames];
const progress = { step: async (_: string, work: () => Promise<unknown>) => void (await work()) };

class Killed extends Error {}

/** What a process was started with. */
type Process = { readonly name: string; readonly secrets: Secrets };

/** Servers and processes of a stack, two of each service, which are asked after every step whether they still understand each other. */
function createWorld(stateDir: string) {
  const stored = (presentOnly: boolean) => {
    const secrets = loadSecrets(stateDir, services);
    return presentOnly ? withoutFormer(secrets) : secrets;
  };
  let users = stored(false);
  let processes: Process[] = ['auth', 'auth', 'feed', 'feed', 'ratelimit'].map((name) => ({ name, secrets: users }));
  let refused: readonly string[] = [];
  let stepsLeft = Number.POSITIVE_INFINITY;

  function step(): void {
    requireUnderstanding(users, processes);
    stepsLeft -= 1;
    if (stepsLeft < 0) throw new Killed();
  }

  const rollout: Rollout = {
    async setUsers(presentOnly) {
      step();
      users = stored(presentOnly);
      step();
    },
    async roll(only, presentOnly) {
      for (const [index, { name }] of processes.entries()) {
        if (!only.includes(name)) continue;
        step();
        processes = processes.with(index, { name, secrets: stored(presentOnly) });
      }
      step();
    },
    async refuse(formerSecrets) {
      step();
      const { secrets } = processes.find(({ name }) => name === 'auth') ?? assert.fail();
      const counting = [...Object.values(secrets.services).map(({ service }) => service), secrets.operator];
      refused = formerSecrets;
      assert.ok(!formerSecrets.some((secret) => counting.includes(secret)), 'a secret that counts is not refused');
      step();
    },
  };

  return {
    refused: () => refused,
    rollout,
    killAfter(steps: number) {
      stepsLeft = steps;
    },
    users: () => users,
    processes: () => processes,
  };
}

function requireUnderstanding(users: Secrets, processes: readonly Process[]): void {
  const auths = processes.filter(({ name }) => name === 'auth').map(({ secrets }) => secrets);
  for (const { name, secrets } of processes) {
    if (name === 'ratelimit') {
      const [user = '', password] = [...ratelimitUsers(secrets)][0] ?? [];
      assert.equal(ratelimitUsers(users).get(user), password, 'the rate limiter comes in');
      continue;
    }
    const shown = secrets.services[name] ?? assert.fail();
    const known = users.services[name] ?? assert.fail();
    const accepted = [known, known.former].flatMap((one) =>
      one === undefined ? [] : [[userOf(name, one), one.database]],
    );
    assert.ok(
      accepted.some(([user, password]) => user === userOf(name, shown) && password === shown.database),
      `${name} comes in`,
    );
    // Auth makes its own tokens.
    for (const auth of name === 'auth' ? [] : auths) {
      const its = auth.services[name];
      assert.ok([its?.service, its?.former?.service].includes(shown.service), `auth knows ${name}`);
    }
  }
  for (const [one, other] of [auths, auths.toReversed()]) {
    for (const kind of ['Cookies', 'Tags'] as const) {
      const [signs] = signed(kind, one ?? assert.fail());
      assert.ok(
        signed(kind, other ?? assert.fail()).includes(signs ?? ''),
        `${kind} of one auth are known to the other`,
      );
    }
  }
}

function signed(kind: 'Cookies' | 'Tags', secrets: Secrets): string[] {
  const { oauthCookies, nextOauthCookies, formerOauthCookies, apiKeyTags, nextApiKeyTags, formerApiKeyTags } = secrets;
  const text =
    kind === 'Cookies'
      ? signersOf(oauthCookies, nextOauthCookies, formerOauthCookies)
      : signersOf(apiKeyTags, nextApiKeyTags, formerApiKeyTags);
  return text.split(',');
}

/** All is new, nothing former counts, and what was signed before still does. */
function requireReplaced(before: Secrets, after: Secrets, world: ReturnType<typeof createWorld>): void {
  assert.deepEqual(pending(after), []);
  const countingOf = (secrets: Secrets) => [
    pending(secrets),
    secrets.services,
    ratelimitUsers(secrets),
    secrets.auditOwner,
    [secrets.redisMonitoring, secrets.formerRedisMonitoring],
  ];
  assert.deepEqual(countingOf(world.users()), countingOf(after));
  for (const name of services) {
    for (const { secrets } of world.processes().filter((one) => one.name === name)) {
      assert.equal(secrets.services[name]?.database, after.services[name]?.database, name);
      assert.notEqual(secrets.services[name]?.database, before.services[name]?.database, name);
    }
  }
  const former = [...services.map((name) => before.services[name]?.service), before.operator];
  assert.deepEqual(world.refused().toSorted(), former.toSorted());
  assert.notEqual(after.operator, before.operator);
  assert.notEqual(after.auditOwner, before.auditOwner);
  assert.notEqual(after.ratelimit, before.ratelimit);
  for (const name of ['monitoring', 'redisMonitoring', 'prometheus'] as const)
    assert.notEqual(after[name], before[name]);
  const limiter = world.processes().find(({ name }) => name === 'ratelimit');
  assert.equal(limiter?.secrets.ratelimit, after.ratelimit);
  for (const { secrets } of world.processes().filter(({ name }) => name === 'auth')) {
    assert.equal(secrets.formerOperator, undefined);
    assert.deepEqual(signed('Cookies', secrets), [after.oauthCookies, before.oauthCookies]);
    assert.deepEqual(signed('Tags', secrets), [after.apiKeyTags, before.apiKeyTags]);
  }
}

test('a kill between any two steps of a rotation leaves what the next call brings to an end, and nobody is ever refused', async () => {
  let killed = 0;
  for (let steps = 0; ; steps += 1) {
    const stateDir = temporaryFolder();
    const before = loadSecrets(stateDir, services);
    const world = createWorld(stateDir);
    world.killAfter(steps);
    const isWhole = await takeTurns(stateDir, all, world.rollout, progress).then(
      () => true,
      (error) => {
        if (!(error instanceof Killed)) throw error;
        return false;
      },
    );
    const made = loadSecrets(stateDir, services);
    world.killAfter(Number.POSITIVE_INFINITY);
    if (!isWhole) {
      killed += 1;
      assert.deepEqual(pending(made), all, 'it is known that it is not done');
      assert.deepEqual(await takeTurns(stateDir, [], world.rollout, progress), all);
    }
    const after = loadSecrets(stateDir, services);
    requireReplaced(before, after, world);
    assert.equal(after.services.feed?.database, made.services.feed?.database, 'by the secrets that were made first');
    if (isWhole) break;
  }
  assert.ok(killed >= 13, `${killed} places`);
});

test('a stack that is down has only the new ones', async () => {
  const stateDir = temporaryFolder();
  const before = loadSecrets(stateDir, services);
  assert.deepEqual(await takeTurns(stateDir, ['feed', 'cookies'], undefined, progress), ['feed', 'cookies']);
  const after = loadSecrets(stateDir, services);
  assert.deepEqual(pending(after), []);
  assert.deepEqual(after.services.auth, before.services.auth);
  assert.deepEqual(signed('Cookies', after), [after.oauthCookies, before.oauthCookies]);
  assert.deepEqual(signed('Tags', after), [before.apiKeyTags]);
});

test('of what signs ten former ones count at most: the next one is not made before one has ended', () => {
  let secrets = loadSecrets(temporaryFolder(), services);
  for (let time = 0; time < 10; time += 1) secrets = withoutFormer(replaceSecrets(secrets, ['tags']));
  assert.equal(signed('Tags', secrets).length, 11);
  assert.deepEqual(pending(replaceSecrets(secrets, ['tags'])), []);
  const [latest, ...others] = secrets.formerApiKeyTags ?? [];
  const ended = { ...secrets, formerApiKeyTags: [latest ?? assert.fail(), ...others.slice(0, -1)] };
  assert.deepEqual(pending(replaceSecrets(ended, ['tags'])), ['tags']);
  const old = { ...secrets, formerApiKeyTags: others.map(({ secret }) => ({ secret, until: '2020-01-01T00:00:00Z' })) };
  assert.deepEqual(signed('Tags', old), [secrets.apiKeyTags]);
});

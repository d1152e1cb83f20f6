import assert from 'node:assert/strict';
import { decodeProtectedHeader } from 'jose';
import { Metadata } from 'nice-grpc';
import { until } from '#kit/testing/until.ts';
import { changeSecrets, loadSecrets, newKeyEncryptionKey } from '../../local/secrets.ts';
import { withClient } from '../../local/servers/postgres-client.ts';
import { oxo } from '../../local/testing/command.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { logIn, type Person, post, readFeed, signUp, type Tokens } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';

/** A key that leaked is refused everywhere within this time. */
const dropMs = 2_000;
/** People who use the front door while the keys change. */
const lanes = 4;

async function rotate({ stack }: World, force = false) {
  const stubs = openStubs(stack);
  try {
    const credentials = { clientId: 'operator', clientSecret: stack.secrets.operator };
    const { accessToken } = await stubs.authInternal.issueServiceToken(credentials);
    const metadata = Metadata({ authorization: `Bearer ${accessToken}` });
    return await stubs.authInternal.rotateSigningKeys({ force }, { metadata });
  } finally {
    stubs.close();
  }
}

/**
 * Signs in, posts, reads and refreshes again and again, until told to stop. Fails with the first request that does.
 * @param kids gets the keys of the tokens
 */
async function use({ api }: World, stopped: () => boolean, kids = new Set<string>()): Promise<void> {
  let person = await signUp(api);
  while (!stopped()) {
    kids.add(decodeProtectedHeader(person.accessToken).kid ?? '');
    await post(api, person, 'while the keys change');
    await readFeed(api, person);
    const body = { refreshToken: person.refreshToken };
    const { tokens } = await api.get<{ tokens: Tokens }>({ method: 'POST', path: '/auth/refresh', body });
    person = { ...person, ...tokens };
    await api.get({ path: '/users/me', token: (await logIn(api, person)).accessToken });
  }
}

async function requireRefusedByServices({ stack }: World, { accessToken, id }: Person): Promise<void> {
  const stubs = openStubs(stack);
  const metadata = Metadata({ authorization: `Bearer ${accessToken}` });
  try {
    const calls = [
      stubs.auth.listSessions({}, { metadata }),
      stubs.user.getMe({}, { metadata }),
      stubs.post.getPost({ id }, { metadata }),
      stubs.feed.getFeed({}, { metadata }),
    ];
    await Promise.all(calls.map((call) => assert.rejects(call, /UNAUTHENTICATED/)));
  } finally {
    stubs.close();
  }
}

/** The table of keys, read and changed as auth's own user. */
async function queryKeys({ stack }: World, text: string): Promise<{ kid: string }[]> {
  const options = { connectionTimeoutMillis: 5_000, application_name: 'oxo-test' };
  return withClient(
    stack.urls.databases.auth ?? '',
    options,
    async (client) => (await client.query<{ kid: string }>(text)).rows,
  );
}

/** Rotation of the keys under load, and of a key that leaked. */
export const rotation: Cases = {
  'two rotations in a row fail no request, one by the operator and one by schedule': async (world) => {
    let done = false;
    const seen = new Set<string>();
    const working = Promise.all(Array.from({ length: lanes }, () => use(world, () => done, seen)));
    // A lane that fails ends the wait at once.
    const rotated = (async () => {
      const kids: string[] = [];
      await until('the next key may sign', async () => {
        const answer = await rotate(world);
        if (answer.rotated) kids.push(answer.currentKid);
        return answer.rotated;
      });
      // The next time by schedule: the key has signed for too long.
      await queryKeys(world, "UPDATE signing_keys SET activated_at_ms = 0 WHERE state = 'CURRENT'");
      await until('the key after it signs', async () => {
        const [row] = await queryKeys(world, "SELECT kid FROM signing_keys WHERE state = 'CURRENT'");
        if (row !== undefined && row.kid !== kids[0]) kids.push(row.kid);
        return kids.length === 2;
      });
      await until('every key has signed', () => seen.size === 3);
      return kids;
    })();
    const kids = await Promise.race([rotated, working.then(() => assert.fail('nobody works any more'))]);
    done = true;
    await working;
    assert.ok(kids.every((kid) => seen.has(kid)));
  },

  'what a leaked key has signed is refused everywhere; who refreshes goes on': async (world) => {
    const { api } = world;
    const person = await signUp(api);
    const leaked = decodeProtectedHeader(person.accessToken).kid ?? '';
    const signedBefore = await logIn(api, person);
    // The next key has stood for long enough, as it has in earnest; the front door knows it.
    await until('the next key may sign', async () => (await rotate(world)).rotated);
    await until('the one after it is known', async () => {
      const { rotated, nextReadyAt } = await rotate(world);
      return rotated || Date.now() > Number(nextReadyAt) - 1_000;
    });
    const answer = await rotate(world, true);
    assert.ok(answer.rotated && answer.announced && answer.droppedKids.includes(leaked));
    for (const session of [person, signedBefore]) {
      await until('all refuse', () => requireRefusedByServices(world, session).then(() => true), dropMs);
      assert.equal((await refusal(api, { path: '/users/me', token: session.accessToken })).reason, 'TOKEN_INVALID');
    }
    const { keys } = (await (await fetch(`${world.stack.urls.frontDoor}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    assert.ok(keys.every(({ kid }) => !answer.droppedKids.includes(kid)));
    const body = { refreshToken: person.refreshToken };
    const { tokens } = await api.get<{ tokens: Tokens }>({ method: 'POST', path: '/auth/refresh', body });
    await readFeed(api, { ...person, ...tokens });
  },

  'the key-encryption key is replaced while people sign in, also by a call that goes on where another was killed':
    async (world) => {
      const { stack, stateDir } = world;
      let done = false;
      const working = Promise.all(Array.from({ length: 2 }, () => use(world, () => done)));
      const replaced = (async () => {
        const first = loadSecrets(stateDir, []).keyEncryptionKey;
        await rotateKek(world);
        const second = loadSecrets(stateDir, []).keyEncryptionKey;
        assert.notEqual(second, first);
        // What a call has done that was killed at once.
        const { keyEncryptionKey: third } = changeSecrets(stateDir, (secrets) => ({
          ...secrets,
          ...newKeyEncryptionKey(),
          formerKeyEncryptionKeys: [second],
        }));
        await rotateKek(world);
        const { keyEncryptionKey, formerKeyEncryptionKeys } = loadSecrets(stateDir, []);
        assert.deepEqual([keyEncryptionKey, formerKeyEncryptionKeys], [third, []]);
      })();
      await Promise.race([replaced, working.then(() => assert.fail('nobody works any more'))]);
      done = true;
      await working;
      // Who starts with the new key alone can sign.
      await Promise.all(['auth', 'auth-2'].map((name) => stack.process(name).pause()));
      await Promise.all(['auth', 'auth-2'].map((name) => stack.process(name).resume()));
      await use(
        world,
        (
          (rounds) => () =>
            rounds-- === 0
        )(2),
      );
    },
};

async function rotateKek({ stack, stateDir }: World): Promise<void> {
  const env = { OXO_STATE_DIR: stateDir, OXO_PORT_BASE: new URL(stack.urls.frontDoor).port };
  const { code, out, err } = await oxo(['keys', 'rotate-kek'], { env });
  assert.equal(code, 0, `${out}${err}`);
  for (const key of Object.values(loadSecrets(stateDir, []))) {
    if (typeof key === 'string' && key.length > 30) assert.ok(!`${out}${err}`.includes(key), 'a secret was printed');
  }
}

import assert from 'node:assert/strict';
import { decodeProtectedHeader } from 'jose';
import { Metadata } from 'nice-grpc';
import { until } from '#kit/testing/until.ts';
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

/** Signs in, posts, reads and refreshes again and again, until told to stop. @returns the keys of the tokens; fails with the first request that does */
async function use({ api }: World, stopped: () => boolean): Promise<Set<string>> {
  let person = await signUp(api);
  const kids = new Set<string>();
  while (!stopped()) {
    kids.add(decodeProtectedHeader(person.accessToken).kid ?? '');
    await post(api, person, 'while the keys change');
    await readFeed(api, person);
    const body = { refreshToken: person.refreshToken };
    const { tokens } = await api.get<{ tokens: Tokens }>({ method: 'POST', path: '/auth/refresh', body });
    person = { ...person, ...tokens };
    await api.get({ path: '/users/me', token: (await logIn(api, person)).accessToken });
  }
  return kids;
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

/** Rotation of the keys under load, and of a key that leaked. */
export const rotation: Cases = {
  'two rotations in a row fail no request': async (world) => {
    let done = false;
    const users = Array.from({ length: lanes }, () => use(world, () => done));
    const working = Promise.all(users);
    // A lane that fails ends the wait at once.
    const rotated = (async () => {
      const kids: string[] = [];
      while (kids.length < 2) {
        await until('the next key may sign', async () => {
          const answer = await rotate(world);
          if (answer.rotated) kids.push(answer.currentKid);
          return answer.rotated;
        });
      }
      // Some requests more with tokens of the last key.
      await use(
        world,
        (
          (rounds) => () =>
            rounds-- === 0
        )(3),
      );
      return kids;
    })();
    const kids = await Promise.race([rotated, working.then(() => assert.fail('nobody works any more'))]);
    done = true;
    const seen = new Set((await working).flatMap((each) => [...each]));
    assert.equal(seen.size, 3, 'every key has signed');
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
};

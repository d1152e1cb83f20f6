import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { KeyRotated } from '#gen/oxo/auth/v1/auth_events.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';
import {
  KEY_PUBLISHED_FOR_MS,
  KEY_ROTATE_AFTER_MS,
  startAuthService,
  type TestAuthService,
} from '../../testing/auth-service.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

/** Longer than a test may take between two looks at the clock, which goes on. */
const MARGIN_MS = MINUTE_MS;

const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? '';
const published = () => service.keys.published().keys.map(({ kid }) => kid ?? '');
const current = () => service.keys.current().kid;
/** With a token of its own each time: the clock jumps further than one lives. */
async function rotate(force = false) {
  const { token } = await service.issuer.serviceToken('operator');
  return service.internalWithToken(token).rotateSigningKeys({ force });
}

const isBelieved = async (token: string) =>
  !(await isRefused((async () => service.verifier.verifyUser(token))(), 'TOKEN_INVALID'));

async function rotations(): Promise<KeyRotated[]> {
  const events = await service.events();
  return events.filter(({ subject }) => subject === 'key.rotated').map(({ payload }) => KeyRotated.decode(payload));
}

test('the key that was next signs, the one before verifies until its last token has expired', async () => {
  service.clock.advance(KEY_PUBLISHED_FOR_MS);
  const before = current();
  const { accessToken } = await service.signIn();
  const next = published().find((kid) => kid !== before);
  const answer = await rotate();
  assert.deepEqual([answer.rotated, answer.currentKid, answer.droppedKids, answer.announced], [true, next, [], true]);
  const readyInMs = Number(answer.nextReadyAt) - service.clock.nowMs();
  assert.ok(readyInMs > KEY_PUBLISHED_FOR_MS - MARGIN_MS && readyInMs <= KEY_PUBLISHED_FOR_MS);
  assert.equal(current(), next);
  assert.equal(kidOf((await service.signIn()).accessToken), next);
  assert.equal(published().length, 3);
  assert.ok(await isBelieved(accessToken));
  assert.deepEqual((await rotations()).at(-1), { kid: next, droppedKids: [], droppedSecretIds: [] });

  service.clock.advance(15 * MINUTE_MS);
  await service.keys.reload();
  assert.ok(published().includes(before), 'a replica may have signed with it a moment longer');
  service.clock.advance(5 * MINUTE_MS);
  await service.keys.reload();
  assert.ok(!published().includes(before));
});

test('a key that was published too recently does not sign: nothing changes, and it is said when it may', async () => {
  service.clock.advance(KEY_PUBLISHED_FOR_MS);
  await rotate();
  const [before, keys, events] = [current(), published(), await rotations()];
  service.clock.advance(KEY_PUBLISHED_FOR_MS - MARGIN_MS);
  const answer = await rotate();
  assert.deepEqual([answer.rotated, answer.currentKid], [false, before]);
  const readyInMs = Number(answer.nextReadyAt) - service.clock.nowMs();
  assert.ok(readyInMs > 0 && readyInMs <= MARGIN_MS);
  assert.deepEqual([current(), published(), await rotations()], [before, keys, events]);
  service.clock.advance(MARGIN_MS);
  assert.equal((await rotate()).rotated, true);
});

test('by force the next key signs however new it is, and what was signed before is refused', async () => {
  service.clock.advance(KEY_PUBLISHED_FOR_MS);
  const retired = await service.signIn();
  await rotate();
  const leaked = await service.signIn();
  assert.ok((await isBelieved(retired.accessToken)) && (await isBelieved(leaked.accessToken)));
  const answer = await rotate(true);
  assert.equal(answer.announced, true);
  assert.deepEqual(new Set(answer.droppedKids), new Set([retired, leaked].map((each) => kidOf(each.accessToken))));
  assert.ok(answer.droppedKids.every((kid) => !published().includes(kid)));
  for (const { accessToken } of [retired, leaked]) {
    await assert.rejects(service.withToken(accessToken).listSessions({}), refused('TOKEN_INVALID'));
  }
  const { tokens } = await service.as().refresh({ refreshToken: leaked.refreshToken });
  assert.equal((await service.withToken(tokens?.accessToken ?? '').listSessions({})).sessions.length, 1);
  assert.equal(published().length, 2);
});

test('rotations at the same moment are one', async () => {
  service.clock.advance(KEY_PUBLISHED_FOR_MS);
  const answers = await Promise.all([1, 2, 3].map(() => rotate()));
  assert.equal(answers.filter(({ rotated }) => rotated).length, 1);
  assert.equal(new Set(answers.map(({ currentKid }) => currentKid)).size, 1);
});

test('the schedule rotates when the key has signed for long enough', async () => {
  service.clock.advance(KEY_PUBLISHED_FOR_MS);
  await rotate();
  const before = current();
  service.clock.advance(KEY_ROTATE_AFTER_MS - MARGIN_MS);
  await service.rotation.rotateWhenDue();
  assert.equal(current(), before);
  service.clock.advance(MARGIN_MS);
  await service.rotation.rotateWhenDue();
  const after = current();
  assert.notEqual(after, before);
  await service.rotation.rotateWhenDue();
  assert.equal(current(), after);
});

test('only the operator may rotate', async () => {
  const keys = published();
  await assert.rejects(service.internal().rotateSigningKeys({ force: true }), refused('TOKEN_MISSING'));
  for (const name of ['auth', 'user', 'post', 'feed', 'stranger']) {
    await assert.rejects(service.internal(name).rotateSigningKeys({ force: true }), refused('CALLER_NOT_ALLOWED'));
  }
  const { accessToken } = await service.signIn();
  const asPerson = service.internalWithToken(accessToken);
  await assert.rejects(asPerson.rotateSigningKeys({ force: true }), refused('TOKEN_INVALID'));
  assert.deepEqual(published(), keys);
});

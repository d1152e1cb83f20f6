import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { DAY_MS } from '#kit/clock.ts';
import type { Reason } from '#kit/errors.ts';
import { refused } from '#kit/testing/refused.ts';
import { decodeRefreshToken, encodeRefreshToken, newRefreshToken } from '../../sessions/refresh-token.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { signInsDuring } from '../../testing/sign-ins.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

async function refresh(refreshToken: string) {
  const { tokens } = await service.as().refresh({ refreshToken });
  return { refreshToken: tokens?.refreshToken ?? '', accessToken: tokens?.accessToken ?? '' };
}

const refuses = (refreshToken: string, reason: Reason) => assert.rejects(refresh(refreshToken), refused(reason));

const sessionOf = (accessToken: string) => String(decodeJwt(accessToken).sid);

test('a refresh token gives the next pair of the same session', async () => {
  const first = await service.signIn();
  const second = await refresh(first.refreshToken);
  const third = await refresh(second.refreshToken);
  assert.equal(new Set([first.refreshToken, second.refreshToken, third.refreshToken]).size, 3);
  assert.equal(sessionOf(third.accessToken), sessionOf(first.accessToken));
  assert.equal((await service.verifier.verifyUser(third.accessToken)).userId, first.id);
});

test('refreshes are counted by what became of them', async () => {
  const { refreshToken } = await service.signIn();
  const counted = await signInsDuring(service.metrics, async () => {
    await refresh(refreshToken);
    await refuses('made up', 'REFRESH_TOKEN_INVALID');
    await assert.rejects(refresh(''), refused('VALIDATION_FAILED', 'refreshToken'));
  });
  assert.deepEqual(counted, { 'refresh ok': 1, 'refresh refused': 1 });
});

test('the token before works once more within 10 seconds, and gives the same successor', async () => {
  const first = await service.signIn();
  const [one, other] = await Promise.all([refresh(first.refreshToken), refresh(first.refreshToken)]);
  assert.equal(one.refreshToken, other.refreshToken);
  assert.ok(await service.verifier.verifyUser(other.accessToken));
  // Neither tab is signed out later.
  service.clock.advance(60_000);
  assert.ok(await refresh(one.refreshToken));
});

test('two tabs that always refresh at the same moment never lose their session', async () => {
  let { refreshToken } = await service.signIn();
  for (let round = 0; round < 5; round += 1) {
    const tabs = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
    assert.equal(tabs[0].refreshToken, tabs[1].refreshToken);
    refreshToken = tabs[0].refreshToken;
  }
});

test('the token before does not work a third time', async () => {
  const first = await service.signIn();
  await refresh(first.refreshToken);
  const { refreshToken } = await refresh(first.refreshToken);
  await refuses(first.refreshToken, 'REFRESH_TOKEN_REUSED');
  await refuses(refreshToken, 'REFRESH_TOKEN_INVALID');
});

test('a consumed token that is used after 10 seconds revokes the session', async () => {
  const first = await service.signIn();
  const second = await refresh(first.refreshToken);
  service.clock.advance(10_000);
  const before = await service.revocations();
  await refuses(first.refreshToken, 'REFRESH_TOKEN_REUSED');
  const sessionId = sessionOf(first.accessToken);
  assert.deepEqual((await service.revocations()).slice(before.length), [{ sessionId, userId: first.id }]);
  await refuses(second.refreshToken, 'REFRESH_TOKEN_INVALID');
  await refuses(first.refreshToken, 'REFRESH_TOKEN_INVALID');
  await assert.rejects(service.withToken(second.accessToken).logout({ all: false }), refused('SESSION_REVOKED'));
});

test('a token of long ago revokes the session, even within 10 seconds', async () => {
  const first = await service.signIn();
  const second = await refresh(first.refreshToken);
  const third = await refresh(second.refreshToken);
  await refuses(first.refreshToken, 'REFRESH_TOKEN_REUSED');
  await refuses(third.refreshToken, 'REFRESH_TOKEN_INVALID');
});

test('who knows no more than the id of a session cannot end it', async () => {
  const first = await service.signIn();
  await refuses(encodeRefreshToken(newRefreshToken(sessionOf(first.accessToken))), 'REFRESH_TOKEN_INVALID');
  assert.ok(await refresh(first.refreshToken));
});

test('only hashes are stored', async () => {
  const { refreshToken } = await service.signIn();
  const { refreshToken: next } = await refresh(refreshToken);
  const rows = await service.db.query<{ text: string }>({
    name: 'test-rows',
    text: 'select sessions::text from sessions',
  });
  for (const token of [refreshToken, next].map(decodeRefreshToken)) {
    for (const part of [token?.family, token?.secret]) {
      const hex = part?.toString('hex') ?? '?';
      assert.ok(!JSON.stringify(rows).includes(hex));
    }
  }
});

test('a session ends when it was not used for 30 days, and after 180 days in any case', async () => {
  const idle = await service.signIn();
  const used = await service.signIn();
  let token = used.refreshToken;
  for (let day = 0; day < 175; day += 25) {
    service.clock.advance(25 * DAY_MS);
    token = (await refresh(token)).refreshToken;
  }
  await refuses(idle.refreshToken, 'REFRESH_TOKEN_INVALID');
  service.clock.advance(5 * DAY_MS + 1);
  await refuses(token, 'REFRESH_TOKEN_INVALID');
  assert.ok((await service.sessions.cleanUp()) >= 2);
  assert.equal(await service.sessions.cleanUp(), 0);
});

test('whatever else is no refresh token is refused in the one shape', async () => {
  const { accessToken, refreshToken } = await service.signIn();
  const flipped = refreshToken.slice(0, -2) + (refreshToken.endsWith('AA') ? 'BB' : 'AA');
  for (const text of [accessToken.slice(0, 500), 'x', 'a'.repeat(86), `${refreshToken}=`, flipped.slice(0, 80)]) {
    await refuses(text, 'REFRESH_TOKEN_INVALID');
  }
  for (const text of ['', ' ', 'a'.repeat(513), `a\u0000b`]) {
    await assert.rejects(refresh(text), refused('VALIDATION_FAILED', 'refreshToken'));
  }
});

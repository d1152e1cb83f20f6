import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';
import { SESSIONS } from '../../sessions/listing.ts';
import { IDLE_MS, MAX_SESSIONS_PER_ACCOUNT } from '../../sessions/sessions.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import type { SignedUp } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

const sessionOf = ({ accessToken }: SignedUp) => String(decodeJwt(accessToken).sid);

const revoke = (by: SignedUp, id: string) => service.withToken(by.accessToken).revokeSession({ id });

async function listedIds(by: SignedUp): Promise<string[]> {
  const { sessions } = await service.withToken(by.accessToken).listSessions({});
  return sessions.map(({ id }) => id);
}

test('one sees one’s own sessions, the last used first, and which of them asks', async () => {
  const startedAtMs = service.clock.nowMs();
  const first = await service.signIn();
  service.clock.advance(MINUTE_MS);
  const second = await service.signIn(first.id);
  await service.signIn();
  service.clock.advance(MINUTE_MS);
  await service.as().refresh({ refreshToken: first.refreshToken });
  const minuteOf = (time: Date | undefined) => Math.floor((Number(time) - startedAtMs) / MINUTE_MS);
  const { sessions } = await service.withToken(second.accessToken).listSessions({});
  assert.deepEqual(
    sessions.map(({ id, createdAt, lastSeenAt, current }) => [
      ...[id, minuteOf(createdAt), minuteOf(lastSeenAt)],
      current,
    ]),
    [
      [sessionOf(first), 0, 2, false],
      [sessionOf(second), 1, 1, true],
    ],
  );
  assert.match(sessions[0]?.device ?? '', /grpc/, 'the user agent of the refresh');
});

test('a session that has expired is not listed', async () => {
  const old = await service.signIn();
  service.clock.advance(IDLE_MS);
  const fresh = await service.signIn(old.id);
  assert.deepEqual(await listedIds(fresh), [sessionOf(fresh)]);
});

test('a revoked session is refused at once, told to everybody, and gone from the list', async () => {
  const here = await service.signIn();
  const lost = await service.signIn(here.id);
  const before = await service.revocations();
  await revoke(here, sessionOf(lost));
  assert.deepEqual((await service.revocations()).slice(before.length), [
    { sessionId: sessionOf(lost), userId: here.id },
  ]);
  await assert.rejects(service.withToken(lost.accessToken).listSessions({}), refused('SESSION_REVOKED'));
  await assert.rejects(service.as().refresh({ refreshToken: lost.refreshToken }), refused('REFRESH_TOKEN_INVALID'));
  assert.deepEqual(await listedIds(here), [sessionOf(here)]);
});

test('one may end the session that asks', async () => {
  const here = await service.signIn();
  await revoke(here, sessionOf(here));
  await assert.rejects(revoke(here, sessionOf(here)), refused('SESSION_REVOKED'));
});

test('revoking is answered the same when it is repeated, for a day', async () => {
  const here = await service.signIn();
  const lost = sessionOf(await service.signIn(here.id));
  for (const _ of [1, 2]) await revoke(here, lost);
  await service.sessions.cleanUp();
  await revoke(here, lost);
  service.clock.advance(DAY_MS);
  await service.sessions.cleanUp();
  const again = await service.signIn(here.id);
  await assert.rejects(revoke(again, lost), refused('SESSION_NOT_FOUND'));
});

test('another’s session is as one that does not exist, and lives on', async () => {
  const [here, stranger] = [await service.signIn(), await service.signIn()];
  const before = await service.revocations();
  for (const id of [sessionOf(stranger), newId(service.clock.nowMs())]) {
    await assert.rejects(revoke(here, id), refused('SESSION_NOT_FOUND'));
  }
  assert.deepEqual(await service.revocations(), before);
  assert.deepEqual(await listedIds(stranger), [sessionOf(stranger)]);
});

test('revoked sessions take nobody’s place', async () => {
  const here = await service.signIn();
  const lost: SignedUp[] = [];
  for (let number = 1; number < MAX_SESSIONS_PER_ACCOUNT; number += 1) lost.push(await service.signIn(here.id));
  service.clock.advance(1);
  for (const session of lost.slice(0, 2)) await revoke(here, sessionOf(session));
  for (const _ of [1, 2]) await service.signIn(here.id);
  assert.equal(await isRefused(service.withToken(here.accessToken).listSessions({}), 'SESSION_REVOKED'), false);
  assert.equal((await listedIds(here)).length, MAX_SESSIONS_PER_ACCOUNT);
});

test('who is not signed in has no sessions; an id that is none is named', async () => {
  await assert.rejects(service.as().listSessions({}), refused('TOKEN_MISSING'));
  await assert.rejects(service.as().revokeSession({ id: newId(1) }), refused('TOKEN_MISSING'));
  const here = await service.signIn();
  for (const id of ['', 'x', sessionOf(here).toUpperCase()]) {
    await assert.rejects(revoke(here, id), refused('VALIDATION_FAILED', 'id'));
  }
});

/** As many sessions of other accounts as a sequential read would notice. */
const MANY_SESSIONS = `with made as (
    insert into accounts (id, email, password_hash, state, created_at_ms)
    select gen_random_uuid(), 'a' || n || '@example.org', '', 'ACTIVE', 0 from generate_series(1, 3000) n returning id)
  insert into sessions (id, account_id, family_hash, current_hash, user_agent, ip, created_at_ms, last_seen_at_ms, expires_at_ms)
  select gen_random_uuid(), id, '', '', '', '', 0, 0, 9000000000000 from made`;

test('the list reads the sessions of its account from their index, and no others', async () => {
  const { id } = await service.signIn();
  await service.signIn(id);
  await service.db.query({ name: 'test-many-accounts', text: MANY_SESSIONS });
  await service.db.query({ name: 'test-analyze', text: 'analyze sessions' });
  const [scan, ...rest] = await explain(service.db, SESSIONS, [id, service.clock.nowMs()]);
  assert.deepEqual(rest, []);
  assert.match(scan?.['Node Type'] ?? '', /^(Index|Bitmap Heap)/);
  assert.equal(scan?.['Actual Rows'], 2);
});

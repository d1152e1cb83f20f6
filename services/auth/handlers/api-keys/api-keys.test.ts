import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiKeyRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import type { Statement } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { FIND, LIST, MAX_KEYS_PER_ACCOUNT, MAX_SECRETS_PER_KEY } from '../../api-keys/statements.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import type { SignedUp } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

const keysOf = ({ accessToken }: SignedUp) => service.apiKeys(accessToken);
const READ = { name: 'reader', scopes: ['feed:read'] };
/** From now. */
const inMs = (ms: number) => new Date(service.clock.nowMs() + ms);

async function made(by: SignedUp, fields: { scopes?: string[]; expiresAt?: Date } = {}) {
  const { apiKey, secret } = await keysOf(by).createApiKey({ ...READ, ...fields });
  return { id: apiKey?.id ?? '', secret };
}

async function rotated(by: SignedUp, id: string, overlapSeconds?: number): Promise<string> {
  return (await keysOf(by).rotateApiKey({ id, overlapSeconds })).secret;
}

/** What the front door is answered for the key: 200, or why not. */
async function shown(secret: string): Promise<string> {
  const response = await fetch(`${service.httpUrl}/internal/exchange`, { headers: { 'x-api-key': secret } });
  return response.ok ? 'OK' : (response.headers.get('x-oxo-reason') ?? (await response.text()));
}

async function endings(): Promise<ApiKeyRevoked[]> {
  const events = await service.events();
  return events
    .filter(({ subject }) => subject === 'api_key.revoked')
    .map(({ payload }) => ApiKeyRevoked.decode(payload));
}

test('a key is shown once, works, and is listed with what it may and when it was used', async () => {
  const here = await service.signIn();
  const nowMs = service.clock.nowMs();
  const scopes = ['posts:write', 'feed:read'];
  const { apiKey, secret } = await keysOf(here).createApiKey({ name: 'Bot', scopes: [...scopes, 'feed:read'] });
  const daysOf = (time: Date | undefined) => Math.round((Number(time) - nowMs) / DAY_MS);
  assert.deepEqual(
    [apiKey?.name, apiKey?.scopes, apiKey?.lastUsedAt, apiKey?.rotatedAt],
    ['Bot', scopes, undefined, undefined],
  );
  assert.deepEqual([daysOf(apiKey?.createdAt), daysOf(apiKey?.expiresAt)], [0, 90]);
  assert.equal(await shown(secret), 'OK');
  const { apiKeys } = await keysOf(here).listApiKeys({});
  assert.deepEqual(apiKeys, [{ ...apiKey, lastUsedAt: apiKeys[0]?.lastUsedAt }]);
  assert.equal(daysOf(apiKeys[0]?.lastUsedAt), 0);
  const rows = await service.db.query({ name: 'test-rows', text: 'select * from api_keys, api_key_secrets' });
  assert.ok(!JSON.stringify(rows).includes(secret.slice(-68)), 'nobody can read it again');
});

test('its use is noted once a minute at most', async () => {
  const here = await service.signIn();
  const { secret } = await made(here);
  const lastUsed = async () => Number((await keysOf(here).listApiKeys({})).apiKeys[0]?.lastUsedAt);
  await shown(secret);
  const firstMs = await lastUsed();
  service.clock.advance(MINUTE_MS / 2);
  await shown(secret);
  assert.equal(await lastUsed(), firstMs);
  service.clock.advance(MINUTE_MS / 2);
  await shown(secret);
  await until('it is noted', async () => (await lastUsed()) >= firstMs + MINUTE_MS);
});

test('wrong fields are named all at once', async () => {
  const keys = keysOf(await service.signIn());
  const wrong: [object, ...string[]][] = [
    [{}, 'name', 'scopes'],
    [{ ...READ, name: 'a'.repeat(61), scopes: ['feed:read', 'feed:write'] }, 'name', 'scopes.1'],
    [{ ...READ, expiresAt: inMs(5 * MINUTE_MS - 1) }, 'expiresAt'],
    [{ ...READ, expiresAt: inMs(366 * DAY_MS + MINUTE_MS) }, 'expiresAt'],
  ];
  for (const [request, ...fields] of wrong) {
    await assert.rejects(keys.createApiKey(request), refused('VALIDATION_FAILED', ...fields));
  }
  for (const overlapSeconds of [-1, 1, 299, 86_401]) {
    await assert.rejects(
      keys.rotateApiKey({ id: newId(1), overlapSeconds }),
      refused('VALIDATION_FAILED', 'overlapSeconds'),
    );
  }
  for (const id of ['', 'x']) {
    await assert.rejects(keys.revokeApiKey({ id }), refused('VALIDATION_FAILED', 'id'));
    await assert.rejects(keys.rotateApiKey({ id }), refused('VALIDATION_FAILED', 'id'));
  }
  assert.deepEqual(await keys.listApiKeys({}), { apiKeys: [] });
});

test('to make a key, or another secret of one, one has to have signed in lately; to end one, not', async () => {
  const here = await service.signIn();
  const { id } = await made(here);
  service.clock.advance(15 * MINUTE_MS + 1_000);
  const { tokens } = await service.as().refresh({ refreshToken: here.refreshToken });
  const keys = service.apiKeys(tokens?.accessToken ?? '');
  await assert.rejects(keys.createApiKey(READ), refused('SIGN_IN_TOO_OLD'));
  await assert.rejects(keys.rotateApiKey({ id }), refused('SIGN_IN_TOO_OLD'));
  assert.deepEqual(
    (await keys.listApiKeys({})).apiKeys.map((key) => [key.id, key.rotatedAt]),
    [[id, undefined]],
  );
  const again = await service.signIn(here.id);
  assert.ok(await rotated(again, id));
  await keys.revokeApiKey({ id });
});

test('nobody gives a key what they do not have: administration least of all', async () => {
  const here = await service.signIn();
  await assert.rejects(made(here, { scopes: ['feed:read', 'admin'] }), refused('VALIDATION_FAILED', 'scopes.1'));
});

test('a key and a client manage neither keys nor sessions', async () => {
  const here = await service.signIn();
  const standing = { accountId: here.id, scopes: ['profile:write'], expiresAtMs: service.clock.nowMs() + HOUR_MS };
  for (const clientId of ['api-key', 'a-client', 'OXO', '']) {
    const { token } = await service.issuer.exchangedToken({ ...standing, sessionId: 'a', clientId });
    const [keys, auth] = [service.apiKeys(token), service.withToken(token)];
    const calls = [
      () => keys.createApiKey({ name: 'more', scopes: ['profile:write'] }),
      () => keys.listApiKeys({}),
      () => keys.revokeApiKey({ id: newId(1) }),
      () => keys.rotateApiKey({ id: newId(1) }),
      () => auth.listSessions({}),
      () => auth.logout({ all: true }),
      () => auth.revokeSession({ id: newId(1) }),
    ];
    for (const call of calls) await assert.rejects(call(), refused('FIRST_PARTY_ONLY'));
  }
  await assert.rejects(service.apiKeys().createApiKey(READ), refused('TOKEN_MISSING'));
  await assert.rejects(service.apiKeys().listApiKeys({}), refused('TOKEN_MISSING'));
});

test('one has 25 keys at most, also when they are made at once; those that ended do not count', async () => {
  const here = await service.signIn();
  const first = await made(here);
  const outcomes = await Promise.all(
    Array.from({ length: MAX_KEYS_PER_ACCOUNT }, () => isRefused(made(here), 'API_KEY_LIMIT_REACHED')),
  );
  assert.deepEqual(
    outcomes.filter((isLimited) => isLimited),
    [true],
  );
  await keysOf(here).revokeApiKey({ id: first.id });
  const next = await made(here, { expiresAt: inMs(6 * MINUTE_MS) });
  await assert.rejects(made(here), refused('API_KEY_LIMIT_REACHED'));
  service.clock.advance(6 * MINUTE_MS);
  const again = await service.signIn(here.id);
  await made(again);
  const { apiKeys } = await keysOf(again).listApiKeys({});
  assert.equal(apiKeys.length, MAX_KEYS_PER_ACCOUNT);
  assert.ok(!apiKeys.some(({ id }) => [first.id, next.id].includes(id)));
});

test('a revoked key is refused at once, told to everybody, and gone from the list; again is the same, for a day', async () => {
  const here = await service.signIn();
  const { id, secret } = await made(here);
  assert.equal(await shown(secret), 'OK');
  for (const _ of [1, 2]) await keysOf(here).revokeApiKey({ id });
  const told = (await endings()).filter(({ keyId }) => keyId === id);
  assert.deepEqual(told, Array(2).fill({ keyId: id, userId: here.id, sessionIds: [`key:${id}:1`] }));
  assert.equal(await shown(secret), 'API_KEY_INVALID');
  assert.deepEqual(await keysOf(here).listApiKeys({}), { apiKeys: [] });
  await assert.rejects(rotated(here, id), refused('API_KEY_NOT_FOUND'));
});

test('another’s key is as one that does not exist, and lives on', async () => {
  const [here, stranger] = [await service.signIn(), await service.signIn()];
  const { id, secret } = await made(here);
  for (const unknown of [id, newId(1)]) {
    await assert.rejects(keysOf(stranger).revokeApiKey({ id: unknown }), refused('API_KEY_NOT_FOUND'));
    await assert.rejects(rotated(stranger, unknown), refused('API_KEY_NOT_FOUND'));
  }
  assert.equal(await shown(secret), 'OK');
});

test('a rotated key works with both secrets for the overlap, then with the new one', async () => {
  const here = await service.signIn();
  const { id, secret } = await made(here);
  const next = await rotated(here, id, 300);
  assert.deepEqual([await shown(secret), await shown(next)], ['OK', 'OK']);
  service.clock.advance(300_000);
  assert.deepEqual([await shown(secret), await shown(next)], ['API_KEY_INVALID', 'OK']);
  assert.deepEqual(
    (await endings()).filter(({ keyId }) => keyId === id),
    [],
    'no token outlives the overlap',
  );
});

test('a rotation whose answer was lost is repeated, and takes nothing from the secret that is in use', async () => {
  const here = await service.signIn();
  const { id, secret } = await made(here);
  const lost = await rotated(here, id);
  service.clock.advance(30 * MINUTE_MS);
  const again = await service.signIn(here.id);
  const next = await rotated(again, id, 300);
  assert.deepEqual([await shown(secret), await shown(lost), await shown(next)], ['OK', 'OK', 'OK']);
  service.clock.advance(300_000);
  assert.deepEqual([await shown(secret), await shown(lost)], ['OK', 'API_KEY_INVALID'], 'each as it was promised');
  service.clock.advance(25 * MINUTE_MS);
  assert.deepEqual([await shown(secret), await shown(next)], ['API_KEY_INVALID', 'OK']);
});

test('a key that has leaked is rotated without overlap: all secrets but the new one are refused at once', async () => {
  const here = await service.signIn();
  const { id, secret } = await made(here);
  const second = await rotated(here, id, 3_600);
  for (const each of [secret, second]) assert.equal(await shown(each), 'OK');
  const third = await rotated(here, id, 0);
  assert.deepEqual(
    [await shown(secret), await shown(second), await shown(third)],
    ['API_KEY_INVALID', 'API_KEY_INVALID', 'OK'],
  );
  const told = (await endings()).filter(({ keyId }) => keyId === id);
  assert.deepEqual(
    told.map(({ sessionIds }) => sessionIds.toSorted()),
    [[`key:${id}:1`, `key:${id}:2`]],
  );
});

test('so many secrets of a key work at once and no more; at the same moment too', async () => {
  const here = await service.signIn();
  const { id } = await made(here);
  const outcomes = await Promise.all(
    Array.from({ length: MAX_SECRETS_PER_KEY }, () => isRefused(rotated(here, id), 'API_KEY_LIMIT_REACHED')),
  );
  assert.deepEqual(
    outcomes.filter((isLimited) => isLimited),
    [true],
  );
  await rotated(here, id, 0);
  await rotated(here, id);
});

test('a rotation may move the end of the key', async () => {
  const here = await service.signIn();
  const { id } = await made(here);
  const expiresAt = inMs(10 * MINUTE_MS);
  const { apiKey, secret } = await keysOf(here).rotateApiKey({ id, expiresAt });
  assert.deepEqual(apiKey?.expiresAt, expiresAt);
  assert.ok(Number(apiKey?.rotatedAt) >= Number(apiKey?.createdAt));
  service.clock.advance(10 * MINUTE_MS);
  assert.equal(await shown(secret), 'API_KEY_INVALID');
});

test('each key has its entry in the audit log, however many are made in a minute', async () => {
  const here = await service.signIn();
  const ids: string[] = [];
  for (let time = 0; time < 12; time += 1) {
    const { id } = await made(here, time === 11 ? { scopes: ['posts:write'] } : {});
    ids.push(id);
    if (time < 11) await keysOf(here).revokeApiKey({ id });
  }
  const text = `select key_id as id, details->>'scopes' as scopes from audit.log
    where account_id = $1 and action = 'CREATE_API_KEY' order by id`;
  const entries = await service.db.query<{ id: string; scopes: string }>({ name: 'test-made', text }, [here.id]);
  assert.deepEqual(
    entries.map(({ id }) => id),
    ids,
  );
  assert.equal(entries.at(-1)?.scopes, 'posts:write');
});

test('with the account its keys end, and none is made any more', async () => {
  const here = await service.signIn();
  const { secret } = await made(here);
  assert.equal(await shown(secret), 'OK');
  await service.internal('user').disableAccount({ userId: here.id });
  assert.equal(await shown(secret), 'API_KEY_INVALID');
  await assert.rejects(made(here), refused('SESSION_REVOKED'));
  const rows = 'select 1 from api_keys where account_id = $1';
  assert.deepEqual(await service.db.query({ name: 'test-keys', text: rows }, [here.id]), []);
});

test('the keys of one person, and one key, are read by an index, however many there are of others', async () => {
  const here = await service.signIn();
  const { id } = await made(here);
  const many = [
    `insert into accounts (id, email, password_hash, state, created_at_ms)
      select gen_random_uuid(), 'many', 'x', 'ACTIVE', 0 from generate_series(1, 2000)`,
    `insert into api_keys (id, account_id, name, scopes, generation, created_at_ms, expires_at_ms)
      select gen_random_uuid(), id, 'many', '{feed:read}', 1, 0, 9000000000000 from accounts where email = 'many'`,
    `insert into api_key_secrets (key_id, generation, hash) select id, 1, 'x' from api_keys where name = 'many'`,
    'analyze accounts, api_keys, api_key_secrets',
  ];
  for (const [number, text] of many.entries()) await service.db.query({ name: `test-many-${number}`, text });
  const nowMs = service.clock.nowMs();
  const plans: [Statement, unknown[]][] = [
    [LIST, [here.id, nowMs]],
    [FIND, [id, 1, nowMs]],
  ];
  for (const [statement, values] of plans) {
    for (const scan of await explain(service.db, statement, values)) {
      assert.match(scan['Node Type'], /^(Bitmap )?(Index|Heap)/, scan['Relation Name']);
      assert.equal(scan['Actual Rows'] * scan['Actual Loops'], 1);
    }
  }
});

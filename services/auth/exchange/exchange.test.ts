import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { unavailable } from '#kit/errors.ts';
import { createDenyList, type DenyList } from '#kit/identity/deny-list.ts';
import { newId } from '#kit/ids.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { quiet } from '#kit/testing/bus.ts';
import { refused } from '#kit/testing/refused.ts';
import type { FoundKey } from '../api-keys/api-keys.ts';
import { createKeyText, newSecret } from '../api-keys/key-text.ts';
import type { OAuthAccessToken } from '../oauth/storage/access-tokens.ts';
import { createTaggedTokens } from '../tokens/tags.ts';
import { createExchange, type Exchange } from './exchange.ts';

const keyText = createKeyText([randomBytes(32)]);
const accessTokens = createTaggedTokens([randomBytes(32)], 'access-token');
const keyId = newId(1);
const accountId = newId(2);
const KEY = keyText.encode({ keyId, generation: 1, secret: newSecret() });
const HOME = '203.0.113.7';

let nowMs: number;
const clock = {
  nowMs: () => nowMs,
  advance(ms: number) {
    nowMs += ms;
  },
};
let denyList: DenyList;
let exchange: Exchange;
let found: FoundKey | undefined;
let granted: OAuthAccessToken | undefined;
let away: boolean;
let kid: string;
/** How often something was looked up, signed and noted. */
let count: { finds: number; signed: { lifeMs: number; sessionId: string; clientId: string }[]; touches: number };

beforeEach(() => {
  nowMs = Date.now();
  denyList = createDenyList(clock);
  [away, kid] = [false, 'one'];
  count = { finds: 0, signed: [], touches: 0 };
  found = { accountId, scopes: ['feed:read'], expiresAtMs: clock.nowMs() + DAY_MS };
  granted = { ...found, clientId: 'app', grantId: 'grant', expiresAtMs: clock.nowMs() + HOUR_MS };
  const look = async <Found>(value: () => Found) => {
    count.finds += 1;
    if (away) throw unavailable('away');
    return value();
  };
  exchange = createExchange({
    ...{ keyText, denyList, metrics: createMetrics(), clock, logger: quiet },
    apiKeys: {
      find: () => look(() => found),
      touch: async () => {
        count.touches += 1;
      },
    },
    accessTokens,
    findAccessToken: (token) =>
      look(() => (token.startsWith('opaque') || accessTokens.isOurs(token) ? granted : undefined)),
    issuer: {
      async exchangedToken({ sessionId, clientId, expiresAtMs }) {
        const endsAtMs = Math.min(expiresAtMs, clock.nowMs() + 5 * MINUTE_MS);
        count.signed.push({ lifeMs: endsAtMs - clock.nowMs(), sessionId, clientId });
        return { token: `jwt-${count.signed.length}`, expiresAtMs: endsAtMs, kid };
      },
    },
  });
});

const byKey = (apiKey = KEY, network = HOME) => exchange({ apiKey, authorization: undefined }, network);
const byToken = (token = 'opaque', network = HOME) =>
  exchange({ apiKey: undefined, authorization: `Bearer ${token}` }, network);
const guess = () => randomBytes(32).toString('base64url');

test('what a credential stands for, and for how long', async () => {
  await byKey();
  await byToken();
  assert.deepEqual(count.signed, [
    { lifeMs: 5 * MINUTE_MS, sessionId: `key:${keyId}:1`, clientId: 'api-key' },
    { lifeMs: 5 * MINUTE_MS, sessionId: 'grant', clientId: 'app' },
  ]);
});

test('one exchange is enough for many requests, also for those that come at once', async () => {
  const tokens = await Promise.all(Array.from({ length: 100 }, () => byKey()));
  assert.deepEqual([...new Set(tokens)], ['jwt-1']);
  clock.advance(4 * MINUTE_MS);
  assert.equal(await byKey(), 'jwt-1');
  assert.equal(count.finds, 1);
});

test('a token that is about to end is not given out; one that ends with its credential is, to the end', async () => {
  await byKey();
  clock.advance(5 * MINUTE_MS - 30_000);
  assert.equal(await byKey(), 'jwt-2');
  found = { accountId, scopes: [], expiresAtMs: clock.nowMs() + 6 * MINUTE_MS };
  clock.advance(5 * MINUTE_MS);
  assert.equal(await byKey(), 'jwt-3');
  clock.advance(59_999);
  assert.equal(await byKey(), 'jwt-3');
  found = undefined;
  clock.advance(1);
  await assert.rejects(byKey(), refused('API_KEY_INVALID'));
});

test('what was revoked is gone from memory as soon as it is heard of', async () => {
  for (const id of [`key:${keyId}:1`, accountId]) {
    await byKey();
    const before = count.finds;
    denyList.deny(id);
    await byKey().catch(() => undefined);
    assert.equal(count.finds, before + 1, id);
    clock.advance(21 * MINUTE_MS);
  }
});

test('a token whose signing key has leaked is signed again', async () => {
  await byKey();
  denyList.deny('one');
  kid = 'two';
  assert.equal(await byKey(), 'jwt-2');
  assert.equal(await byKey(), 'jwt-2');
});

test('both kinds of credential at once are refused, whatever they are worth', async () => {
  for (const authorization of ['Bearer opaque', 'Bearer a.b.c', 'Basic YTpi', '']) {
    await assert.rejects(exchange({ apiKey: KEY, authorization }, HOME), refused('CREDENTIALS_AMBIGUOUS'));
  }
  assert.equal(count.finds, 0);
});

test('a key that we have not made costs nothing, and tells so', async () => {
  const other = keyText.encode({ keyId: newId(3), generation: 1, secret: newSecret() });
  const stolenId = `${KEY.slice(0, 37)}${other.slice(37)}`;
  const wrong = [
    '',
    'x',
    `${KEY}x`,
    `${KEY.slice(0, -1)}${KEY.endsWith('A') ? 'B' : 'A'}`,
    stolenId,
    'é'.repeat(9),
    `${KEY},${KEY}`,
  ];
  for (const key of [...wrong, 'a'.repeat(10_000)]) await assert.rejects(byKey(key), refused('API_KEY_INVALID'), key);
  for (const token of [KEY, 'a'.repeat(10_000), 'a b', 'é', '']) {
    await assert.rejects(byToken(token), refused('TOKEN_INVALID'));
  }
  assert.equal(count.finds, 0);
});

test('what is worth nothing is not looked up again for a moment', async () => {
  granted = undefined;
  for (let tries = 0; tries < 100; tries += 1) await assert.rejects(byToken(), refused('TOKEN_INVALID'));
  assert.equal(count.finds, 1);
  clock.advance(10_000);
  await assert.rejects(byToken(), refused('TOKEN_INVALID'));
  assert.equal(count.finds, 2);
});

test('the token of a client that acts for itself stands for nobody', async () => {
  granted = {
    accountId: undefined,
    grantId: undefined,
    clientId: 'app',
    scopes: ['posts:read'],
    expiresAtMs: clock.nowMs() + HOUR_MS,
  };
  await assert.rejects(byToken(), refused('TOKEN_INVALID'));
  assert.deepEqual(count.signed, []);
});

test('a network that guesses is stopped before anything is looked up; nobody else is, nor a key of ours in it', async () => {
  for (let tries = 0; tries < 60; tries += 1) await assert.rejects(byToken(guess()), refused('TOKEN_INVALID'));
  for (let tries = 0; tries < 60; tries += 1) await assert.rejects(byToken(guess()), refused('RATE_LIMITED'));
  await assert.rejects(byKey('oxo_guess'), refused('RATE_LIMITED'));
  assert.equal(count.finds, 60);
  await byToken('opaque', '198.51.100.1');
  await byToken();
  await byKey();
  const last = guess();
  await assert.rejects(byToken(last), refused('RATE_LIMITED'));
  clock.advance(1_000);
  await assert.rejects(byToken(last), refused('TOKEN_INVALID'));
});

test('a token that we have made passes, whatever a neighbour has guessed', async () => {
  for (let tries = 0; tries < 60; tries += 1) await assert.rejects(byToken(guess()), refused('TOKEN_INVALID'));
  await assert.rejects(byToken(guess()), refused('RATE_LIMITED'));
  const ours = accessTokens.create();
  await byToken(ours);
  const last = ours.endsWith('A') ? 'E' : 'A';
  await assert.rejects(byToken(`${ours.slice(0, -1)}${last}`), refused('RATE_LIMITED'));
  // One that has ended is looked up, and costs nobody else anything.
  granted = undefined;
  await assert.rejects(byToken(accessTokens.create()), refused('TOKEN_INVALID'));
});

test('a key that was revoked is looked up so often and no more, by whomever it is tried', async () => {
  found = undefined;
  const tries = Array.from({ length: 120 }, (_, number) =>
    byKey(keyText.encode({ keyId, generation: number + 2, secret: newSecret() })),
  );
  const outcomes = await Promise.allSettled(tries);
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 120);
  assert.equal(count.finds, 60);
});

test('what works is never counted, nor what fails because the database is away', async () => {
  away = true;
  for (let tries = 0; tries < 100; tries += 1) await assert.rejects(byToken(), refused('UNAVAILABLE'));
  away = false;
  // Each is looked up: none of them is known yet.
  for (let tries = 0; tries < 100; tries += 1) await byToken(`opaque-${tries}`);
  assert.equal(count.signed.length, 100);
  await assert.rejects(byToken(guess()), refused('TOKEN_INVALID'));
});

test('the use of a key is noted once a minute', async () => {
  for (const _ of [1, 2, 3]) await byKey();
  assert.equal(count.touches, 1);
  clock.advance(MINUTE_MS);
  for (const _ of [1, 2, 3]) await byKey();
  assert.equal(count.touches, 2);
  await byToken();
  assert.equal(count.touches, 2);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { createServiceTokens } from '#kit/identity/service-token.ts';

test('a token is kept until it is about to expire, or its key is dropped', async () => {
  let nowMs = 0;
  let count = 0;
  const clock = { nowMs: () => nowMs };
  const denyList = createDenyList(clock);
  const tokens = createServiceTokens(
    async () => {
      count += 1;
      const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: `key-${count}` })).toString('base64url');
      return { token: `${header}.e30.${count}`, expiresAtMs: nowMs + 5 * MINUTE_MS };
    },
    clock,
    denyList,
  );
  const first = await tokens();
  nowMs = 4 * MINUTE_MS - 1;
  assert.equal(await tokens(), first);
  denyList.deny('key-1');
  const second = await tokens();
  assert.notEqual(second, first);
  assert.equal(await tokens(), second);
  nowMs += 4 * MINUTE_MS;
  assert.notEqual(await tokens(), second);
});

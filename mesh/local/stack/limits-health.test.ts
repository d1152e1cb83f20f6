import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { freePort } from '#kit/testing/ports.ts';
import { describeLimits, readLimitsHealth } from './limits-health.ts';

/** Answers everything with this text. */
async function serve(t: TestContext, text: string): Promise<string> {
  const server = createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const record = { restarts: 0, since: '', stopSignal: 'SIGTERM', state: 'ready' } as const;
const stateOf = (...names: string[]) => ({ processes: names.map((name) => ({ ...record, name })), steps: [] });
const counted = (name: string, count: number) => `oxo_auth_attempts_unchecked_total{limit="${name}"} ${count}\n`;

test('attempts that processes of auth counted alone are told, and that their Redis is away now', async (t) => {
  const urls = {
    envoyAdmin: await serve(t, 'cluster.post.ratelimit.failure_mode_allowed: 0\n'),
    operations: {
      auth: await serve(t, counted('loginOfAccount', 2) + counted('register', 1)),
      'auth-2': await serve(t, `${counted('login', 4)}oxo_auth_attempts_refused_total{limit="login"} 9\n`),
      'auth-3': `http://127.0.0.1:${await freePort()}`,
      feed: await serve(t, counted('login', 100)),
    },
    limitsRedis: `redis://127.0.0.1:${await freePort()}`,
  };
  const health = await readLimitsHealth({ urls }, stateOf('ratelimit', 'auth', 'auth-2', 'auth-3', 'feed'));
  assert.deepEqual([health.off, health.passed, health.alone], [undefined, 0, 7]);
  assert.match(health.redisAway ?? '', /ECONNREFUSED/);
  const [away, alone, ...others] = describeLimits(health);
  assert.match(away ?? '', /Redis is away .*: each process of auth counts attempts alone/);
  assert.match(alone ?? '', /^7 attempts were counted by one process of auth alone/);
  assert.deepEqual(others, []);
  assert.deepEqual(describeLimits({ ...health, alone: 0, redisAway: undefined }), ['all are counted']);
});

test('without a rate limit service it is said why', async () => {
  const urls = { envoyAdmin: '', operations: {}, limitsRedis: `redis://127.0.0.1:${await freePort()}` };
  const note = 'off: it can not be built';
  const health = await readLimitsHealth(
    { urls },
    { processes: [], steps: [{ name: 'ratelimit', ms: 1, note }] as never },
  );
  assert.deepEqual([health.off, health.passed, health.alone], [note, 0, 0]);
});

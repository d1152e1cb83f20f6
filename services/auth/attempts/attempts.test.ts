import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { HOUR_MS } from '#kit/clock.ts';
import { createTestContext, openTestRedis, type TestContext } from '#kit/testing/context.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { type Allowances, allowanceSettings, allowances } from './allowances.ts';
import { type Attempts, createAttempts } from './attempts.ts';
import { createCounters } from './counters.ts';

const [HOME, HOTEL] = ['203.0.113.1', '203.0.113.2'];
const TWO = { attempts: 2, windowMs: HOUR_MS };

let context: TestContext;
let attempts: Attempts;
/** Whose Redis refuses all that is asked of it. */
let alone: Attempts;

before(async () => {
  context = createTestContext('attempts');
  const { redis } = await openTestRedis(context);
  const names = Object.keys(allowances(z.object(allowanceSettings).parse({})));
  const twoOfEach = Object.fromEntries(names.map((name) => [name, TWO])) as Allowances;
  const { metrics, clock, logger } = context;
  const options = { allowances: twoOfEach, secret: 'x', metrics, clock, logger };
  attempts = createAttempts({ counters: createCounters(redis), ...options });
  const refusing = createCounters({ ...redis, run: () => Promise.reject(new Error('NOPERM')) });
  alone = createAttempts({ counters: refusing, ...options });
});
after(() => context.close());

test('who uses up one allowance of a network leaves the others alone', async () => {
  const all = ['register', 'refresh', 'forgot', 'client', 'deviceCode', 'token', 'introspection'] as const;
  for (const name of [...all, 'reset', 'verify'] as const) {
    for (let time = 0; time < 2; time += 1) await attempts[name](HOME);
    await assert.rejects(attempts[name](HOME), refused('RATE_LIMITED'), name);
    await attempts[name](HOTEL);
  }
});

test('networks of one /48 of IPv6 take from one larger allowance, and those of another do not', async () => {
  const inSite = (number: number) => `2001:db8:1:${number.toString(16)}`;
  for (const name of ['register', 'reset', 'token'] as const) {
    for (let number = 0; number < 32; number += 1) await attempts[name](inSite(number));
    await assert.rejects(attempts[name](inSite(32)), refused('RATE_LIMITED'), name);
    await attempts[name]('2001:db8:2:32');
  }
  for (let number = 0; number < 32; number += 1) await attempts.login(`person ${number}`, inSite(number));
  await assert.rejects(attempts.login('somebody', inSite(32)), refused('RATE_LIMITED'));
  await attempts.login('somebody', inSite(32), 'phone');
});

test('what was mailed is tried so often from a network, and for an account from all networks', async () => {
  for (const name of ['reset', 'verify'] as const) {
    await attempts[name]('198.51.100.1', 'ada');
    await attempts[name]('198.51.100.2', 'ada');
    await assert.rejects(attempts[name]('198.51.100.3', 'ada'), refused('RATE_LIMITED'));
    // That one took nothing from its network.
    await until('it is given back', async () => {
      const { giveBack } = await attempts[name]('198.51.100.3', `${name} 1`);
      const isWhole = await attempts[name]('198.51.100.3', `${name} 2`).then(
        (second) => {
          second.giveBack();
          return true;
        },
        () => false,
      );
      giveBack();
      return isWhole;
    });
  }
});

test('without Redis each process counts by itself, and gives back; codes are refused', async () => {
  for (let time = 0; time < 2; time += 1) await alone.login('ada', HOME);
  await assert.rejects(alone.login('ada', HOME), refused('RATE_LIMITED'));
  const { giveBack } = await alone.login('grace', HOTEL);
  giveBack();
  for (let time = 0; time < 2; time += 1) await alone.login('grace', HOTEL);
  await assert.rejects(alone.login('grace', HOTEL), refused('RATE_LIMITED'));
  await assert.rejects(alone.otp('ada', HOME), /NOPERM/);
  assert.match(await context.metrics.render(), /oxo_auth_attempts_unchecked_total{limit="loginOfAccount"} 7/);
  context.clock.advance(HOUR_MS);
  await alone.login('ada', HOME);
});

test('who is signed in tries so often in a session', async () => {
  for (let time = 0; time < 2; time += 1) await attempts.confirm('one');
  await assert.rejects(attempts.confirm('one'), refused('RATE_LIMITED'));
  await attempts.confirm('other');
});

test('codes are tried so often for an account, and on a device that it knows for that alone', async () => {
  const [home, hotel, cafe] = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
  for (let time = 0; time < 2; time += 1) await attempts.otp('ada', home);
  for (const network of [home, hotel]) await assert.rejects(attempts.otp('ada', network), refused('RATE_LIMITED'));
  await attempts.otp('grace', home);
  await attempts.otp('grace', hotel);
  await assert.rejects(attempts.otp('grace', cafe), refused('RATE_LIMITED'));
  for (let time = 0; time < 2; time += 1) await attempts.otp('ada', home, 'phone');
  await assert.rejects(attempts.otp('ada', home, 'phone'), refused('RATE_LIMITED'));
});

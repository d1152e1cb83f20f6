import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { MINUTE_MS, systemClock } from '#kit/clock.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { quiet } from '#kit/testing/bus.ts';
import { allowanceSettings, allowances } from './allowances.ts';
import { createAttempts } from './attempts.ts';
import type { Counters } from './counters.ts';

test('it is told whether all processes count together, also while nobody tries anything', async () => {
  let [nowMs, isThere, refuses] = [systemClock.nowMs(), true, false];
  const metrics = createMetrics();
  const counters: Counters = {
    async take() {
      if (refuses) throw new Error('NOPERM');
      return { allowed: true };
    },
    giveBack: async () => undefined,
    isThere: () => isThere,
  };
  const attempts = createAttempts({
    ...{ counters, allowances: allowances(z.object(allowanceSettings).parse({})), secret: 'x', metrics },
    ...{ clock: { nowMs: () => nowMs }, logger: quiet },
  });
  const isShared = async () => /^oxo_auth_limiter_shared (\d)$/m.exec(await metrics.render())?.[1];
  assert.equal(await isShared(), '1');
  isThere = false;
  assert.equal(await isShared(), '0', 'away');
  isThere = true;
  assert.equal(await isShared(), '1');
  refuses = true;
  await attempts.register('198.51.100.1');
  assert.equal(await isShared(), '0', 'there, and refuses');
  refuses = false;
  await attempts.register('198.51.100.1');
  assert.equal(await isShared(), '1', 'it counts again');
  refuses = true;
  await attempts.register('198.51.100.1');
  nowMs += MINUTE_MS + 1;
  assert.equal(await isShared(), '1', 'nobody has tried since, and it is there');
  const text = await metrics.render();
  assert.match(text, /^oxo_auth_attempts_unchecked_total\{limit="registerFromNetwork"\} 2$/m);
  assert.match(text, /^oxo_auth_attempts_refused_total\{limit="registerFromNetwork"\} 0$/m);
});

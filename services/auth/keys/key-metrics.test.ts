import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { createTestContext, openTestDatabase, type TestContext } from '#kit/testing/context.ts';
import { randomSecret, startKeys } from '../testing/custody.ts';
import { testSchema } from '../testing/schema.ts';
import { measureKeys } from './key-metrics.ts';
import { createRewrapping, type Rewrapping } from './rewrapping.ts';

let context: TestContext;
let rewrapping: Rewrapping;
let another: Rewrapping;
let keyFile: string;
before(async () => {
  context = createTestContext('auth');
  const { clock, logger, metrics } = context;
  const { db } = await openTestDatabase(context, testSchema);
  const custody = await startKeys(context, db);
  ({ rewrapping, keyFile } = custody);
  another = createRewrapping({ db, vault: custody.vault, clock, logger });
  measureKeys({ metrics, keys: custody.keys, rotation: { rotateAfterMs: 90 * DAY_MS }, rewrapping, clock });
});
after(() => context.close());

async function secondsOf(name: string, key: string): Promise<number> {
  const found = new RegExp(`^oxo_auth_key_${name}_seconds\\{key="${key}"\\} (\\S+)$`, 'm').exec(
    await context.metrics.render(),
  );
  return Number(found?.[1]);
}

/** Within the minute that the test may take. */
const isAbout = (actual: number, expectedMs: number) =>
  assert.ok(Math.abs(actual - expectedMs / 1_000) < MINUTE_MS / 1_000, `${actual}`);

test('keys are told to grow old, and when the schedule replaces them', async () => {
  isAbout(await secondsOf('age', 'signing'), 0);
  isAbout(await secondsOf('age', 'encryption'), 0);
  isAbout(await secondsOf('expires', 'signing'), 90 * DAY_MS);
  context.clock.advance(91 * DAY_MS);
  isAbout(await secondsOf('age', 'signing'), 91 * DAY_MS);
  isAbout(await secondsOf('age', 'encryption'), 91 * DAY_MS);
  isAbout(await secondsOf('expires', 'signing'), -DAY_MS);
});

test('another key-encryption key is as old as its first use, whichever replica and start sees it', async () => {
  await writeFile(keyFile, `${randomSecret()}\n${await readFile(keyFile, 'utf8')}`);
  await another.rewrapWhenDue();
  context.clock.advance(HOUR_MS);
  await rewrapping.rewrapWhenDue();
  isAbout(await secondsOf('age', 'encryption'), HOUR_MS);
});

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '#kit/testing/until.ts';
import type { Expected, Fault } from './fault.ts';
import { anyTime, whileBroken } from './faults.ts';
import type { Active, Watched } from './watched.ts';

const limitMs = 60_000;
/** More than what looks back the furthest looks back: a failure counts for as long as any window of its budget reaches. */
const silentMs = 120_000;
const pollMs = 200;

/** Alerts that nothing has to do with, of those that have fired in earlier rounds and look back. */
export type Echoes = Set<string>;

/**
 * Causes the faults of a round, waits until each of their alerts fires, mends them, and waits until none does.
 * @param echoes alerts of earlier rounds that may go on; those of this one are added
 */
export async function runRound(watched: Watched, faults: readonly Fault[], echoes: Echoes): Promise<void> {
  const fires = faults.flatMap((fault) => fault.fires);
  const firesAfter = faults.flatMap((fault) => fault.firesAfter ?? []);
  const expected = [...fires, ...firesAfter];
  // Alerts that a slow machine alone may cause are not waited for.
  const before = expected.filter(({ alert }) => !anyTime.includes(alert));
  await until(
    'none of its alerts fires before',
    async () => {
      const isThere = (await watched.firing()).some((active) => before.some((one) => matches(active, one)));
      return !isThere || delay(pollMs, false);
    },
    silentMs,
  );
  const began = performance.now();
  const mends: (() => Promise<unknown>)[] = [];
  try {
    for (const { cause } of faults) mends.push(await cause(watched));
    await untilFiring(watched, fires);
  } finally {
    await mendAll(mends);
  }
  await untilFiring(watched, firesAfter);
  const seconds = (performance.now() - began) / 1_000;
  const allowed = new Set([
    ...expected.map(({ alert }) => alert),
    ...faults.flatMap(({ mayFire = [] }) => mayFire),
    ...[...whileBroken, ...echoes],
  ]);
  const strangers = (await watched.firedWithin(seconds)).filter((alert) => !allowed.has(alert));
  assert.deepEqual(strangers, [], 'alerts that have nothing to do with it');
  const late = faults.filter(({ isLate }) => isLate).flatMap(({ fires }) => fires.map(({ alert }) => alert));
  for (const alert of late) echoes.add(alert);
  await untilSilent(watched, [...whileBroken, ...late, ...echoes]);
}

/** @param except alerts that may go on */
export function untilSilent({ firing }: Watched, except: readonly string[]): Promise<boolean> {
  return until(
    'nothing fires any more',
    async () => {
      const still = (await firing()).filter(({ labels }) => !except.includes(labels.alertname ?? ''));
      if (still.length > 0) await delay(pollMs);
      assert.deepEqual(still.map(nameOf), []);
      return true;
    },
    silentMs,
  );
}

function untilFiring({ firing }: Watched, expected: readonly Expected[]): Promise<boolean> {
  const pending = new Set(expected);
  return until(
    'each of their alerts fires',
    async () => {
      const now = await firing();
      for (const one of pending) if (now.some((active) => matches(active, one))) pending.delete(one);
      if (pending.size > 0) await delay(pollMs);
      assert.deepEqual([...pending], []);
      return true;
    },
    limitMs,
  );
}

function matches({ labels }: Active, { alert, labels: wanted = {} }: Expected): boolean {
  return labels.alertname === alert && Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function nameOf({ labels: { alertname, ...rest } }: Active): string {
  return `${alertname} ${JSON.stringify(rest)}`;
}

/** All of them, also when one fails. */
async function mendAll(mends: readonly (() => Promise<unknown>)[]): Promise<void> {
  const results = await Promise.allSettled(mends.map((mend) => mend()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

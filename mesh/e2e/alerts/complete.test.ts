import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertsOf, readRuleFiles } from '../../observability/rules/read.ts';
import { anyTime, notCaused, rounds, whileBroken } from './faults.ts';

const faults = Object.values(rounds).flat();
const caused = new Set(
  faults.flatMap(({ fires, firesAfter = [] }) => [...fires, ...firesAfter].map(({ alert }) => alert)),
);
const known = [...new Set(alertsOf(readRuleFiles()).map(({ alert }) => alert))].sort();

test('every alert is caused by a fault, or it is said why not', () => {
  assert.deepEqual([...caused, ...Object.keys(notCaused)].sort(), known);
});

test('alerts that are let be are alerts that there are', () => {
  const named = [...anyTime, ...whileBroken, ...faults.flatMap(({ mayFire = [] }) => mayFire)];
  assert.deepEqual(
    named.filter((alert) => !known.includes(alert)),
    [],
  );
});

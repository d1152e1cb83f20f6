import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsWithin } from './envoy.ts';

test('Envoy is let no more connections than it has files for', () => {
  assert.equal(connectionsWithin(1_048_576), 10_000);
  assert.equal(connectionsWithin(Number.POSITIVE_INFINITY), 10_000);
  assert.equal(connectionsWithin(4_096), 3_584);
  assert.equal(connectionsWithin(256), 64);
});

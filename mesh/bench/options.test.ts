import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../local/cli/cli-error.ts';
import { readBenchOptions } from './options.ts';

test('by default all parts run, and the largest stack only when it is asked for', () => {
  const { parts, growthSizes, seconds, viewers } = readBenchOptions([]);
  assert.deepEqual([...parts], ['reads', 'keys', 'writes', 'mixed', 'visible', 'half-load', 'fan-out', 'growth']);
  assert.deepEqual([growthSizes, seconds, viewers], [[1_000, 10_000], 10, 1_000]);
  assert.deepEqual(readBenchOptions(['--growth']).growthSizes, [1_000, 10_000, 100_000]);
});

test('a quick run is shorter and leaves out growth, and what is said explicitly counts', () => {
  const quick = readBenchOptions(['--quick', '--seconds', '5']);
  assert.deepEqual([quick.seconds, quick.viewers, quick.parts.has('growth')], [5, 200, false]);
  assert(readBenchOptions(['--quick', '--growth']).parts.has('growth'));
});

test('single parts can be run, and an unknown one is refused by its name', () => {
  assert.deepEqual([...readBenchOptions(['--only', 'mixed,half-load']).parts], ['mixed', 'half-load']);
  for (const wrong of ['feeds', 'mixed,', '']) {
    assert.throws(
      () => readBenchOptions(['--only', wrong]),
      (error: unknown) =>
        error instanceof CliError && error.exitCode === 2 && /--only does not know/.test(error.message),
    );
  }
});

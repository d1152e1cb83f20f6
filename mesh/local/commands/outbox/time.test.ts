import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../../cli/cli-error.ts';
import { readTime } from './time.ts';

const nowMs = Date.parse('2026-05-04T12:00:00Z');

test('durations reach back from now, times are in UTC unless they say otherwise', () => {
  const cases = {
    '90s': '2026-05-04T11:58:30.000Z',
    '30m': '2026-05-04T11:30:00.000Z',
    '6h': '2026-05-04T06:00:00.000Z',
    '3d': '2026-05-01T12:00:00.000Z',
    '2026-05-04': '2026-05-04T00:00:00.000Z',
    '2026-05-04 09:30': '2026-05-04T09:30:00.000Z',
    '2026-05-04T09:30:15.250': '2026-05-04T09:30:15.250Z',
    '2026-05-04T09:30+02:00': '2026-05-04T07:30:00.000Z',
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.equal(readTime('--since', text, nowMs).toISOString(), expected, text);
  }
});

test('anything else, and the future, is refused', () => {
  for (const text of [
    '',
    'yesterday',
    '5',
    '-5m',
    '5w',
    '12:00',
    '2026-13-04',
    '2026-05-04T25:00',
    '2026-05-05',
    '9999999d',
  ]) {
    assert.throws(
      () => readTime('--since', text, nowMs),
      (error) => {
        assert(error instanceof CliError, text);
        assert.equal(error.exitCode, 2);
        assert.match(error.message, /^--since/);
        return true;
      },
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

test('settings that are missing or wrong are all named', () => {
  assert.throws(() => readConfig({ MAX_FOLLOWEES: '0', GRPC_PORT: '1' }), {
    message: /(?=.*DATABASE_URL: is not set)(?=.*REDIS_URL: is not set)(?=.*MAX_FOLLOWEES: )/s,
  });
});

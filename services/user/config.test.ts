import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

test('settings that are missing or wrong are all named', () => {
  assert.throws(() => readConfig({ MAX_FOLLOWEES: '0', GRPC_PORT: '1' }), {
    message: /(?=.*DATABASE_URL: is not set)(?=.*REDIS_URL: is not set)(?=.*MAX_FOLLOWEES: )/s,
  });
});

test('nobody may follow more people than a feed can be built of', () => {
  assert.throws(() => readConfig({ MAX_FOLLOWEES: '10001' }), { message: /MAX_FOLLOWEES: / });
  assert.throws(
    () => readConfig({ MAX_FOLLOWEES: '10000' }),
    ({ message }) => !message.includes('MAX_FOLLOWEES'),
  );
});

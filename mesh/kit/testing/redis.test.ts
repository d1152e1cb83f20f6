import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis } from '#kit/testing/redis.ts';

test('a killed server comes back on its port, empty', async (t) => {
  const server = await startRedis();
  t.after(server.stop);
  const read = async (write?: string): Promise<string | null> => {
    const client = new Redis(server.url);
    if (write !== undefined) await client.set('key', write);
    const value = await client.get('key');
    await client.quit();
    return value;
  };
  assert.equal(await read('value'), 'value');
  await server.kill();
  await server.restart();
  assert.equal(await read(), null);
});

test('says which variable is missing', async () => {
  const binary = process.env.TEST_REDIS_BINARY;
  process.env.TEST_REDIS_BINARY = '/nowhere/valkey-server';
  await assert.rejects(startRedis(), /TEST_REDIS_BINARY: \/nowhere\/valkey-server is not a program/);
  delete process.env.TEST_REDIS_BINARY;
  await assert.rejects(startRedis(), /TEST_REDIS_BINARY is not set/);
  process.env.TEST_REDIS_BINARY = binary;
});

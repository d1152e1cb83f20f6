import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '#kit/testing/ports.ts';
import { supervise } from '../supervisor/process.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { prepareRedis, redisUrl } from './redis.ts';
import { redisAdmin } from './redis-acl.ts';
import { setUpOwnRedis } from './redis-own.ts';

test('the file of its users stays closed to others when they change while it runs', async (t) => {
  const dataDir = temporaryFolder();
  const port = await freePort();
  const spec = await prepareRedis({
    program: process.env.TEST_REDIS_BINARY ?? '',
    dataDir,
    logPath: join(dataDir, 'log'),
    port,
    socketPath: undefined,
    adminPassword: 'admin',
    users: { services: new Map([['feed', 'first']]) },
    name: 'redis',
  });
  const redis = supervise(spec);
  t.after(redis.stop);
  await redis.ready();
  const path = join(dataDir, 'users.acl');
  const before = readFileSync(path, 'utf8');
  await setUpOwnRedis(redisUrl(port, redisAdmin, 'admin'), { services: new Map([['feed_2', 'second']]) });
  assert.notEqual(readFileSync(path, 'utf8'), before);
  assert.equal((statSync(path).mode & 0o777).toString(8), '600');
});

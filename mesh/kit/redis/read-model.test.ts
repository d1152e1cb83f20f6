import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lookUp } from '#kit/redis/lookup.ts';
import { createReadModel, type ReadModel } from '#kit/redis/read-model.ts';
import { connectRedis, defineScript, type Redis } from '#kit/redis/redis.ts';
import { quiet } from '#kit/testing/bus.ts';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';

let server: TestRedis;
let redis: Redis;
let model: ReadModel;
before(async () => {
  server = await startRedis();
  redis = connectRedis(server.url, quiet);
  await until('redis answers', () => redis.ping().then(() => true));
  model = createReadModel(redis, { prefix: 'thing', ttlMs: 3_600_000 });
});
after(async () => {
  await redis.close();
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const lifetimeMs = async (id: string) =>
  Number(await redis.run(defineScript('ttl', "return redis.call('PTTL', KEYS[1])"), [redis.key('thing', id)], []));

test('the newer version wins, whatever the order in which they arrive', async () => {
  await model.put('a', 5, bytes('five'));
  await model.put('a', 4, bytes('four'));
  assert.deepEqual(await model.getMany(['a', 'b']), [bytes('five'), undefined]);
  await model.put('a', 5, bytes('five, filled again'));
  await model.put('a', 10, bytes('ten'));
  await model.put('a', 9, bytes('nine'));
  assert.deepEqual(await model.getMany(['a']), [bytes('ten')]);
  const largest = Number.MAX_SAFE_INTEGER;
  await model.put('a', largest, bytes('largest'));
  await model.put('a', largest - 1, bytes('one less'));
  assert.deepEqual(await model.getMany(['a']), [bytes('largest')]);
});

test('what was deleted is not brought back by a fill that read it before', async () => {
  await model.put('d', 5, bytes('five'));
  await model.bury('d', 6);
  await model.put('d', 5, bytes('five'));
  assert.deepEqual(await model.getMany(['d']), ['deleted']);
  assert.ok((await lifetimeMs('d')) <= 60_000);
  // Made anew: the version goes on growing.
  await model.put('d', 7, bytes('seven'));
  await model.bury('d', 6);
  assert.deepEqual(await model.getMany(['d']), [bytes('seven')]);
  assert.ok((await lifetimeMs('d')) > 60_000);
});

test('an empty payload is present', async () => {
  await model.put('e', 1, new Uint8Array());
  assert.deepEqual(await model.getMany(['e']), [bytes('')]);
});

test('a look-up asks the owner for what is missing, once, and never for what is deleted', async () => {
  await model.put('here', 1, bytes('here'));
  await model.bury('gone', 2);
  const asked: string[][] = [];
  const fetchMissing = async (missing: string[]) => {
    asked.push(missing);
    return new Map([['elsewhere', bytes('elsewhere')]]);
  };
  const warn = () => assert.fail('Redis is there');
  const found = await lookUp(model, ['here', 'gone', 'elsewhere', 'nowhere', 'elsewhere'], fetchMissing, warn);
  assert.deepEqual([...found].sort(), [
    ['elsewhere', bytes('elsewhere')],
    ['here', bytes('here')],
  ]);
  assert.deepEqual(asked, [['elsewhere', 'nowhere']]);
});

test('with Redis away a look-up asks the owner for all, and warns', async (t) => {
  await server.kill();
  t.after(() => server.restart());
  let warnings = 0;
  const found = await lookUp(
    model,
    ['here'],
    async () => new Map([['here', bytes('from the owner')]]),
    () => {
      warnings += 1;
    },
  );
  assert.deepEqual([...found], [['here', bytes('from the owner')]]);
  assert.equal(warnings, 1);
});

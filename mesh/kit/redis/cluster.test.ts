import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis as Client } from 'ioredis';
import { hasReason } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { connectRedis, defineScript, type Redis } from '#kit/redis/redis.ts';
import { slotOfId, slotOfKey } from '#kit/redis/slots.ts';
import { createWindowStore } from '#kit/redis/window.ts';
import { quiet } from '#kit/testing/bus.ts';
import { startRedisCluster, type TestRedis, type TestRedisCluster } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';

const TTL_MS = 60_000;
const COUNT = defineScript('count', 'return #KEYS');
/** How many entries the window and its log hold, and whether the log has the window's nonce. */
const LOOK = defineScript(
  'look',
  `local nonce = string.sub(redis.call('ZRANGE', KEYS[1], 0, 0)[1], 27, 34)
   local isOfWindow = string.sub(redis.call('LINDEX', KEYS[2], 0), 1, 8) == nonce
   return {redis.call('ZCARD', KEYS[1]) - 1, redis.call('LLEN', KEYS[2]) - 1, isOfWindow and 1 or 0}`,
);
const ids = Array.from({ length: 60 }, (_, number) => `id-${number}`);
const isUnavailable = (error: unknown) => hasReason(error, 'UNAVAILABLE');

let cluster: TestRedisCluster;
let redis: Redis;
const connected = () => until('all nodes answer', () => redis.ping().then(() => true));
before(async () => {
  cluster = await startRedisCluster();
  redis = connectRedis(cluster.url, quiet);
  await connected();
});
after(async () => {
  await redis.close();
  await cluster.stop();
});

/** The node that holds an id when nothing has been moved. */
function nodeOf(id: string): TestRedis {
  return cluster.nodes[Math.floor((slotOfId(id) * 3) / 16_384)] ?? assert.fail();
}

/** What is there under these ids now. */
const read = (some: readonly string[]) => redis.getMany(some.map((id) => redis.key('t', id)));
const write = (some: readonly string[], value: string) =>
  Promise.all(some.map((id) => redis.set(redis.key('t', id), value, TTL_MS)));

test('slots are counted as the nodes count them', async () => {
  const client = new Client(cluster.nodes[0]?.url ?? '');
  try {
    for (const id of [...ids, '', '018f6b0c-1d2e-7abc-8def-0123456789ab']) {
      assert.equal(slotOfId(id), await client.cluster('KEYSLOT', id));
      if (id !== '') assert.equal(slotOfKey(redis.key('t', id)), await client.cluster('KEYSLOT', redis.key('t', id)));
    }
  } finally {
    client.disconnect();
  }
});

test('keys of all nodes are read and written as of one server', async () => {
  assert.equal(new Set(ids.map(nodeOf)).size, 3);
  await write(ids, 'value');
  assert.deepEqual(
    await read(ids),
    ids.map(() => Buffer.from('value')),
  );
  await redis.expire(redis.key('t', 'id-3'), 0);
  assert.deepEqual(await read(['id-2', 'id-3', 'none']), [Buffer.from('value'), null, null]);
  const groups = redis.groupBySlot([...ids, ...ids], (id) => redis.key('t', id));
  assert.equal(groups.flat().length, 2 * ids.length);
  for (const group of groups) {
    const keys = group.map((id) => redis.key('t', id));
    assert.equal(await redis.run(COUNT, keys, []), group.length);
  }
});

test('a node that is killed takes its own keys away and no others; restarted, it has another epoch', async () => {
  await write(ids, 'before');
  const victim = cluster.nodes[1] ?? assert.fail();
  const [itsOwn, others] = [ids.filter((id) => nodeOf(id) === victim), ids.filter((id) => nodeOf(id) !== victim)];
  const [lost = ''] = itsOwn;
  const named = redis.key('t', lost);
  await victim.kill();
  await until('the loss is noticed', () => redis.ping().then(() => false, isUnavailable));
  assert.deepEqual(
    await read(others),
    others.map(() => Buffer.from('before')),
  );
  assert.deepEqual(await read([lost, ...others.slice(0, 1)]), [null, Buffer.from('before')]);
  await assert.rejects(read([lost]), isUnavailable);
  await assert.rejects(write([lost], 'never'), isUnavailable);
  await victim.restart();
  await connected();
  await assert.rejects(redis.set(named, 'named before', TTL_MS), isUnavailable);
  assert.deepEqual(
    await read(itsOwn),
    itsOwn.map(() => null),
  );
  await until('it is used again', () => write([lost], 'after').then(() => true));
  assert.deepEqual(await read([lost]), [Buffer.from('after')]);
});

test('a slot that moves begins empty, and does not come back with what it left', async () => {
  const id = ids.find((some) => nodeOf(some) === cluster.nodes[0]) ?? assert.fail();
  const [home, away] = [cluster.nodes[0], cluster.nodes[2]] as [TestRedis, TestRedis];
  await until('all nodes keep their names', () => write([id], 'at home').then(() => true));
  const atHome = redis.key('t', id);
  await cluster.moveSlot(slotOfId(id), away);
  // Named for the node that has it no longer: it is named anew, or refused while its new node changes its own name.
  await until('it is written where it is now', async () => {
    await redis.set(atHome, 'moved', TTL_MS);
    return (await read([id]))[0]?.toString() === 'moved';
  });
  await cluster.moveSlot(slotOfId(id), home);
  await until('it is at home again', async () => {
    await write([id], 'home again');
    return (await read([id]))[0]?.toString() === 'home again' && redis.key('t', id) !== atHome;
  });
  assert.deepEqual(await redis.getMany([atHome]).catch(() => [null]), [null], 'its old name names nothing');
});

for (const first of ['log', 'window']) {
  test(`while a slot moves, its ${first} first, no log tells less than its window`, async () => {
    const store = createWindowStore(redis, { prefix: 'window', logPrefix: 'log', maxEntries: 20 });
    const id = newId(1);
    const keys = () => [store.key(id), redis.key('log', id)];
    const push = (atMs: number) => store.push([id], { atMs, id: newId(atMs), ownerId: newId(2) });
    await until('a window is built', async () => {
      await store.finish(id, await store.begin(id), '', [], true);
      return true;
    });
    await push(9);
    await push(5);
    assert.deepEqual(await redis.run(LOOK, keys(), []), [2, 1, 1]);
    const [away] = cluster.nodes.filter((node) => node !== nodeOf(id));
    const seen: unknown[] = [];
    await cluster.moveSlot(slotOfId(id), away ?? assert.fail(), {
      first,
      async moved(left) {
        if (left > 0) assert.equal(await push(7), 1);
        else seen.push(await redis.run(LOOK, keys(), []));
      },
    });
    assert.deepEqual(seen, [[3, 1, 0]], 'the log has missed one, and is no longer that of the window');
  });
}

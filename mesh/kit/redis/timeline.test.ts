import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newId } from '#kit/ids.ts';
import { connectRedis, defineScript } from '#kit/redis/redis.ts';
import { APPEND, decodeEntry, encodeEntry, encodePosition, newestFirst, REMOVE } from '#kit/redis/timeline.ts';
import { quiet } from '#kit/testing/bus.ts';
import { startRedis } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';

const timeMs = fc.integer({ min: 0, max: 8_640_000_000_000 });
const id = fc.uuid();

test('an entry comes back as it was, and sorts by its bytes as by time and id', () => {
  fc.assert(
    fc.property(timeMs, id, id, (atMs, postId, ownerId) => {
      const entry = { atMs, id: postId, ownerId };
      assert.deepEqual(decodeEntry(encodeEntry(entry)), entry);
      assert.ok(encodeEntry(entry).subarray(0, 24).equals(encodePosition(entry)));
    }),
  );
  fc.assert(
    fc.property(timeMs, id, timeMs, id, (atMs, oneId, otherMs, otherId) => {
      const [one, other] = [
        { atMs, id: oneId },
        { atMs: otherMs, id: otherId },
      ];
      assert.equal(
        Math.sign(newestFirst(one, other)),
        Math.sign(Buffer.compare(encodePosition(other), encodePosition(one))),
      );
      assert.equal(newestFirst(one, { ...one }), 0, 'a place is neither before nor behind itself');
    }),
  );
});

test('a timeline keeps its newest entries', async (t) => {
  const server = await startRedis();
  const redis = connectRedis(server.url, quiet);
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  await until('redis answers', () => redis.ping().then(() => true));
  const key = redis.key('own', 'a');
  const ownerId = newId(0);
  const entries = Array.from({ length: 7 }, (_, index) => ({ atMs: 1_000 + index, id: newId(index), ownerId }));
  for (const entry of entries.toReversed()) await redis.run(APPEND, [key], [encodeEntry(entry), 5, 60_000]);
  await redis.run(APPEND, [key], [encodeEntry(entries[6] ?? assert.fail()), 5, 60_000]);
  await redis.run(REMOVE, [key], [encodeEntry(entries[4] ?? assert.fail())]);
  const newest = defineScript('newest', "return redis.call('ZRANGE', KEYS[1], '+', '-', 'BYLEX', 'REV')");
  const held = (await redis.run(newest, [key], [])) as Buffer[];
  assert.deepEqual(
    held.map((member) => decodeEntry(member).atMs),
    [1_006, 1_005, 1_003, 1_002],
  );
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Redis as Client } from 'ioredis';
import { hasReason } from '#kit/errors.ts';
import { connectRedis, defineScript, type Redis } from '#kit/redis/redis.ts';
import { quiet } from '#kit/testing/bus.ts';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';

const isUnavailable = (error: unknown) => hasReason(error, 'UNAVAILABLE');
const connected = (redis: Redis) => until('redis answers', () => redis.ping().then(() => true));

/** A machine that is out of breath may keep the server from its work for longer than half a second. */
const patient = { answerTimeoutMs: 2_000 };

async function start(
  args: readonly string[] = [],
  options = {},
): Promise<{ server: TestRedis; redis: Redis; raw: Client }> {
  const server = await startRedis(args);
  const redis = connectRedis(server.url, quiet, options);
  await connected(redis);
  return { server, redis, raw: new Client(server.url, { lazyConnect: true, retryStrategy: () => null }) };
}

test('values and scripts carry bytes as they are', async (t) => {
  const { server, redis, raw } = await start();
  t.after(async () => {
    raw.disconnect();
    await redis.close();
    await server.stop();
  });
  const bytes = Buffer.from([0, 1, 0xff, 0x0d, 0x0a]);
  await redis.set(redis.key('t', 'a'), bytes, 60_000);
  assert.deepEqual(await redis.getMany([redis.key('t', 'a'), redis.key('t', 'b')]), [bytes, null]);
  assert.deepEqual(await redis.getMany([]), []);
  const echo = defineScript('echo', 'return {KEYS[1], ARGV[1], tonumber(ARGV[2]) + 1, false}');
  const key = redis.key('t', 'a');
  for (let time = 0; time < 2; time += 1) {
    assert.deepEqual(await redis.run(echo, [key], [bytes, 41]), [Buffer.from(key), bytes, 42, null]);
  }
  // The server forgets scripts when it is told to, or restarted.
  await raw.script('FLUSH');
  assert.deepEqual(await redis.run(echo, [key], [bytes, 41]), [Buffer.from(key), bytes, 42, null]);
  // Many at once.
  const replies = await Promise.all(Array.from({ length: 200 }, (_, n) => redis.run(echo, [key], [bytes, n])));
  assert.deepEqual(
    replies.map((reply) => (reply as number[])[2]),
    Array.from({ length: 200 }, (_, n) => n + 1),
  );
  await assert.rejects(redis.run(defineScript('bad', "return redis.call('NOPE')"), [key], []), /unknown.*command/i);
});

test('a server that is busy for longer than it may be silent is not away while it answers', async (t) => {
  const { server, redis } = await start([], patient);
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  const work = defineScript('work', 'local sum = 0; for step = 1, 2000000 do sum = sum + step end; return sum');
  const key = redis.key('t', 'a');
  const startedMs = performance.now();
  await redis.run(work, [key], []);
  const times = Math.ceil((1.5 * patient.answerTimeoutMs) / (performance.now() - startedMs));
  // As large as the server reads at once: it answers what it has read together.
  const large = Buffer.alloc(20_000);
  const answers = await Promise.all(Array.from({ length: times }, () => redis.run(work, [key], [large])));
  assert.equal(answers.length, times);
});

test('no more answers are awaited than a server can give: what is too much is refused and not sent', async (t) => {
  const { server, redis } = await start();
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  const key = redis.key('t', 'a');
  const outcomes = await Promise.allSettled(Array.from({ length: 9_000 }, () => redis.getMany([key])));
  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  assert.ok(refusals.length > 500 && refusals.length < 1_500, `${refusals.length}`);
  assert.ok(refusals.every(isUnavailable));
  assert.deepEqual(await redis.getMany([key]), [null]);
});

test('a server that comes back with an old snapshot is the same as an empty one', async (t) => {
  const { server, redis, raw } = await start(['--save', '3600 1']);
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  const key = redis.key('post', 'id');
  await redis.set(key, 'old', 60_000);
  await raw.save();
  await redis.set(key, 'new', 60_000);
  raw.disconnect();

  await server.kill();
  await until('the loss is noticed', () => redis.ping().then(() => false, isUnavailable));
  assert.throws(() => redis.key('post', 'id'), isUnavailable);
  await assert.rejects(redis.getMany([key]), isUnavailable);
  await server.restart();
  await connected(redis);

  const again = new Client(server.url);
  assert.equal(await again.get(key), 'old', 'the snapshot is there');
  again.disconnect();
  assert.notEqual(redis.key('post', 'id'), key);
  assert.deepEqual(await redis.getMany([redis.key('post', 'id')]), [null]);
  await assert.rejects(redis.getMany([key]), isUnavailable, 'a key that was named before is not read');
  await assert.rejects(redis.set(key, 'x', 1_000), isUnavailable, 'nor written');
});

test('a command that was on its way when the connection broke fails and is not sent again', async (t) => {
  const { server, redis, raw } = await start(['--save', '3600 1']);
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  const key = redis.key('t', 'a');
  await raw.call('CLIENT', 'PAUSE', '60000', 'ALL');
  const waiting = [redis.set(key, 'x', 60_000), redis.getMany([key]), redis.ping()];
  const outcomes = Promise.allSettled(waiting);
  raw.disconnect();
  await server.kill();
  for (const outcome of await outcomes) {
    assert.ok(outcome.status === 'rejected' && isUnavailable(outcome.reason));
  }
  await server.restart();
  await connected(redis);
  const again = new Client(server.url);
  assert.equal(await again.exists(key), 0);
  again.disconnect();
});

/** Stops the process of the server as a hanging one is: connections stay open and nothing is answered. */
async function freezer({ server, redis, raw }: Awaited<ReturnType<typeof start>>, t: TestContext) {
  const pid = Number(/process_id:(\d+)/.exec(await raw.info('server'))?.[1]);
  raw.disconnect();
  t.after(async () => {
    process.kill(pid, 'SIGCONT');
    await redis.close();
    await server.stop();
  });
  return { freeze: () => process.kill(pid, 'SIGSTOP'), thaw: () => process.kill(pid, 'SIGCONT') };
}

test('a server that hangs is waited for once, then it is away until it answers', async (t) => {
  const started = await start();
  const { redis } = started;
  const { freeze, thaw } = await freezer(started, t);
  const key = redis.key('t', 'a');
  await redis.set(key, 'kept', 60_000);
  freeze();
  const startedMs = performance.now();
  const settledMs: number[] = [];
  const refused = async (work: Promise<unknown>) => {
    await assert.rejects(work, isUnavailable);
    settledMs.push(performance.now() - startedMs);
  };
  const script = defineScript('one', 'return 1');
  await Promise.all([refused(redis.getMany([key])), refused(redis.set(key, 'x', 60_000)), refused(redis.ping())]);
  assert.throws(() => redis.key('t', 'a'), isUnavailable);
  await Promise.all([refused(redis.getMany([key])), refused(redis.run(script, [key], [])), refused(redis.ping())]);
  assert.ok(Math.max(...settledMs) < 1_500, `${settledMs}`);
  thaw();
  await connected(redis);
  // It was not restarted, so what it held is still true.
  assert.equal(redis.key('t', 'a'), key);
  assert.equal((await redis.getMany([key])).length, 1);
});

test('that a server hangs is found out before anybody asks', async (t) => {
  const started = await start();
  const { redis } = started;
  const { freeze, thaw } = await freezer(started, t);
  freeze();
  const isAway = () => {
    try {
      return redis.key('t', 'a') === '';
    } catch (error) {
      return isUnavailable(error);
    }
  };
  await until('the loss is noticed', isAway, 10_000);
  thaw();
  await connected(redis);
});

test('a process that was held up itself does not take the server for away', async (t) => {
  const { server, redis, raw } = await start([], patient);
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  raw.disconnect();
  const key = redis.key('t', 'a');
  const answers = [redis.set(key, 'x', 60_000), redis.getMany([key])];
  const busyUntilMs = performance.now() + patient.answerTimeoutMs + 200;
  while (performance.now() < busyUntilMs);
  assert.deepEqual(await Promise.all(answers), [undefined, [Buffer.from('x')]]);
});

test('a server that is not there yet is waited for in the background', async (t) => {
  const server = await startRedis();
  await server.kill();
  let failures = 0;
  const redis = connectRedis(server.url, quiet, { onFailure: () => (failures += 1) });
  t.after(async () => {
    await redis.close();
    await server.stop();
  });
  await assert.rejects(redis.ping(), isUnavailable);
  assert.throws(() => redis.key('t', 'a'), isUnavailable);
  assert.equal(failures, 2);
  await server.restart();
  await connected(redis);
  failures = 0;
  await assert.rejects(redis.run(defineScript('bad', "return redis.call('NOPE')"), [redis.key('t', 'a')], []));
  await redis.getMany([redis.key('t', 'a')]);
  assert.equal(failures, 1, 'what is refused has failed, what is answered has not');
});

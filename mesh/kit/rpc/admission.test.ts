import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createChannel, createClient } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { systemClock } from '#kit/clock.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createAdmission, type Rank } from '#kit/rpc/admission.ts';
import { openChannel } from '#kit/rpc/client.ts';
import { createRpcServer } from '#kit/rpc/server.ts';
import { refused } from '#kit/testing/refused.ts';
import { createTestIssuer } from '#kit/testing/tokens.ts';
import { until } from '#kit/testing/until.ts';

const isBusy = refused('UNAVAILABLE');

test('reads give way to writes, and both to neighbours', () => {
  const admission = createAdmission({ maxCalls: 6, maxStreams: 1 });
  const enter = (rank: Rank, times: number) => {
    for (let time = 0; time < times; time += 1) admission.enter(rank);
    assert.throws(() => admission.enter(rank), isBusy);
  };
  enter('read', 4);
  enter('write', 1);
  enter('neighbour', 1);
  enter('stream', 1);
  admission.leave('neighbour');
  admission.leave('write');
  assert.throws(() => admission.enter('read'), isBusy);
  enter('write', 1);
  admission.leave('stream');
  enter('stream', 1);
});

test('a server over its limit refuses at once and says when to try again; health is always answered', async (t) => {
  const { verifier } = await createTestIssuer();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const limits = { maxCalls: 3, maxStreams: 1 };
  const server = createRpcServer({ verifier, logger, metrics: createMetrics(), clock: systemClock, limits });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let inHand = 0;
  const unused = () => assert.fail('nobody asks for it');
  const others = Object.keys(PostServiceDefinition.methods).map((name) => [name, unused] as const);
  server.add(PostServiceDefinition, {
    ...(Object.fromEntries(others) as unknown as Parameters<typeof server.add<PostServiceDefinition>>[1]),
    getPost: async () => {
      inHand += 1;
      await held;
      return {};
    },
  });
  const address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
  const channel = openChannel(address, undefined);
  const bare = createChannel(address);
  t.after(async () => {
    channel.close();
    bare.close();
    await server.close();
  });
  const posts = channel.client(PostServiceDefinition);
  const getPost = () => posts.getPost({ id: 'p1' });

  const admitted = [getPost(), getPost()];
  await until('two are in hand', () => inHand === 2);
  const refusals = await Promise.allSettled(Array.from({ length: 20 }, getPost));
  for (const refusal of refusals) {
    assert.ok(refusal.status === 'rejected' && isBusy(refusal.reason));
    assert.equal(refusal.reason.retryAfterMs, 1_000);
  }
  assert.equal(inHand, 2);
  assert.equal((await createClient(HealthDefinition, bare).check({ service: '' })).status, 1);
  release();
  await Promise.all(admitted);
  await getPost();
});

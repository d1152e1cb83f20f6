import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { ensureStreams } from '#kit/events/jetstream/streams.ts';
import { mountSmallDisk } from '#kit/testing/small-disk.ts';
import { until } from '#kit/testing/until.ts';
import { findFreePortBase } from '../ports.ts';
import { answers } from '../supervisor/liveness.ts';
import { supervise } from '../supervisor/process.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { connectOnce, natsAdmin, natsUrl, prepareNats } from './nats.ts';

test('a server that takes nothing more after its disk was full is started again, and goes on', async (t) => {
  const disk = mountSmallDisk();
  if (disk === undefined) return t.skip('needs the right to mount');
  const port = await findFreePortBase();
  const spec = await prepareNats({
    program: process.env.TEST_NATS_BINARY ?? '',
    dataDir: join(disk.path, 'nats'),
    logPath: join(temporaryFolder(), 'nats.log'),
    port,
    monitorPort: port + 1,
    adminPassword: 'secret',
    users: [],
  });
  const liveness = { intervalMs: 100, timeoutMs: 1_000, failures: 3 };
  const server = supervise(spec, undefined, undefined, liveness);
  t.after(async () => {
    await server.stop();
    disk.unmount();
  });
  await server.ready();
  const url = natsUrl(port, natsAdmin, 'secret');
  const publish = async () => {
    const connection = await connectOnce(url);
    try {
      return (await jetstream(connection, { timeout: 500 }).publish('post.created', 'x'.repeat(10_000))).seq;
    } finally {
      await connection.close();
    }
  };
  const connection = await connectOnce(url);
  await ensureStreams(connection);
  await connection.close();
  assert.equal(await publish(), 1);
  assert.ok(spec.heartbeat && (await answers(spec.heartbeat, 1_000)));

  disk.fill();
  await assert.rejects(publish());
  disk.free();
  assert.equal(await until('it takes events again', publish, 20_000), 2);
});

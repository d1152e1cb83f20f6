import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { NatsUser } from '#kit/events/jetstream/accounts.ts';
import { natsPermissions } from '#kit/events/jetstream/permissions.ts';
import { ensureStreams } from '#kit/events/jetstream/streams.ts';
import { mountSmallDisk } from '#kit/testing/small-disk.ts';
import { until } from '#kit/testing/until.ts';
import { findFreePortBase } from '../ports.ts';
import { answers } from '../supervisor/liveness.ts';
import { supervise } from '../supervisor/process.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { connectOnce, isWithoutAccounts, natsAdmin, natsUrl, prepareNats, withPresentRights } from './nats.ts';

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

test('streams from before there were accounts are there with accounts', async (t) => {
  const [port, dataDir] = [await findFreePortBase(), join(temporaryFolder(), 'nats')];
  const user: NatsUser = {
    ...{ name: 'post', password: 'post', service: 'post' },
    permissions: natsPermissions({ service: 'post', publishes: ['post.>'], durables: [] }),
  };
  const run = async (withoutAccounts: boolean) => {
    const spec = await prepareNats({
      program: process.env.TEST_NATS_BINARY ?? '',
      ...{ dataDir, logPath: join(temporaryFolder(), 'nats.log'), port, monitorPort: port + 1 },
      ...{ adminPassword: 'secret', users: [user], withoutAccounts },
    });
    assert.equal(isWithoutAccounts(dataDir), withoutAccounts);
    assert.deepEqual(withPresentRights(dataDir, [user]), [user]);
    const server = supervise(spec);
    t.after(() => server.stop());
    await server.ready();
    const { heartbeat } = spec;
    assert(heartbeat !== undefined);
    return { stop: () => server.stop(), isWell: () => answers(heartbeat, 1_000) };
  };
  const as = async <T>(url: string, work: (connection: NatsConnection) => Promise<T>): Promise<T> => {
    const connection = await connectOnce(url);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
  const admin = natsUrl(port, natsAdmin, 'secret');
  for (const [at, withoutAccounts] of [true, true, false, false].entries()) {
    const server = await run(withoutAccounts);
    if (at === 0) await as(admin, (connection) => ensureStreams(connection));
    const { seq } = await as(admin, (connection) => jetstream(connection).publish('post.created', 'x'));
    assert.equal(seq, at + 1);
    assert.ok(await until('all streams are well', () => server.isWell()));
    await server.stop();
  }
});

test('streams that an older version made anew are not mixed with those of now', async () => {
  const dataDir = join(temporaryFolder(), 'nats');
  for (const account of ['$G', 'OXO']) mkdirSync(join(dataDir, 'jetstream/jetstream', account), { recursive: true });
  const options = { program: '', dataDir, logPath: '', port: 1, monitorPort: 2, adminPassword: '', users: [] };
  await assert.rejects(prepareNats(options), /an older version made the former anew/);
});

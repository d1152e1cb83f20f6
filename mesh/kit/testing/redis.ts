/**
 * A real Redis-compatible server for tests. Needs TEST_REDIS_BINARY.
 */
import { connect } from 'node:net';
import { Redis as Client } from 'ioredis';
import { freePort } from '#kit/testing/ports.ts';
import { startTestServer, type TestServer } from '#kit/testing/server.ts';
import { until } from '#kit/testing/until.ts';

export interface TestRedis extends TestServer {
  readonly url: string;
}

/** Keeps nothing on disk: after a kill it comes back empty, as in production. @param args more settings, such as `--user …`. */
export async function startRedis(args: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort();
  const server = await startTestServer({
    binaryVariable: 'TEST_REDIS_BINARY',
    prepare: async (directory) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...['--save', '', '--appendonly', 'no', ...args],
    ],
    isReady: () => answersPing(port),
  });
  return { ...server, url: `redis://127.0.0.1:${port}` };
}

export interface TestRedisCluster extends TestServer {
  /** As services are given it. */
  readonly url: string;
  /** Each holds a third of the slots. */
  readonly nodes: readonly TestRedis[];
  /** Moves a slot with its keys to this node, as an administrator does. */
  moveSlot(slot: number, to: TestRedis, onTheWay?: OnTheWay): Promise<void>;
}

/** What happens while a slot moves. */
export interface OnTheWay {
  /** First part of the keys that go first. */
  first: string;
  /** After each key. @param left how many are still to go */
  moved(left: number): Promise<void>;
}

const NODES = 3;
const SLOTS = 16_384;

/** Three nodes without replicas: when one is killed, its slots are away until it is restarted. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const settings = [
    '--cluster-enabled',
    'yes',
    '--cluster-require-full-coverage',
    'no',
    '--cluster-node-timeout',
    '1000',
  ];
  const nodes = await Promise.all(
    Array.from({ length: NODES }, async () => startRedis([...settings, '--cluster-port', String(await freePort())])),
  );
  for (const [index, node] of nodes.entries()) {
    const first = Math.floor((index * SLOTS) / NODES);
    const last = Math.floor(((index + 1) * SLOTS) / NODES) - 1;
    await administer(node, async (admin) => {
      await admin.cluster('SET-CONFIG-EPOCH', index + 1);
      await admin.cluster('ADDSLOTSRANGE', first, last);
      for (const other of nodes.slice(0, index)) await meet(admin, other);
    });
  }
  const agree = () => untilAgreed(nodes);
  await agree();
  const hosts = nodes.map(({ url }) => new URL(url).host).join(',');
  return {
    nodes,
    url: `redis+cluster://${hosts}`,
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    async restart() {
      await Promise.all(nodes.map((node) => node.restart()));
      await agree();
    },
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
    moveSlot: (slot, to, onTheWay) => moveSlot(nodes, slot, to, onTheWay),
  };
}

async function administer<Result>(node: TestRedis, work: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client(node.url, { lazyConnect: true, retryStrategy: () => null });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    admin.disconnect();
  }
}

async function meet(admin: Client, other: TestRedis): Promise<void> {
  const { port } = new URL(other.url);
  const busPort = await administer(other, async (there) =>
    String(((await there.config('GET', 'cluster-port')) as string[])[1]),
  );
  await admin.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
}

function untilAgreed(nodes: readonly TestRedis[]): Promise<boolean> {
  return until('the nodes know each other', async () => {
    const infos = await Promise.all(nodes.map((node) => administer(node, (admin) => admin.cluster('INFO'))));
    return infos.every((info) => /cluster_state:ok/.test(info) && new RegExp(`cluster_slots_ok:${SLOTS}`).test(info));
  });
}

async function moveSlot(nodes: readonly TestRedis[], slot: number, to: TestRedis, onTheWay?: OnTheWay): Promise<void> {
  const ids = await Promise.all(
    nodes.map((node) => administer(node, (admin) => admin.cluster('MYID') as Promise<string>)),
  );
  const ranges = (await administer(to, (admin) => admin.cluster('SLOTS'))) as unknown as [
    number,
    number,
    [string, number, string],
  ][];
  const holderId = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][2];
  const from = nodes[ids.indexOf(holderId ?? '')];
  const toId = ids[nodes.indexOf(to)] ?? '';
  if (from === undefined || from === to) throw new Error(`slot ${slot} cannot be moved there`);
  await administer(to, (admin) => admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', holderId ?? ''));
  await administer(from, async (admin) => {
    await admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    const { port } = new URL(to.url);
    for (;;) {
      const keys = (await admin.cluster('GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      const next = onTheWay && (keys.find((key) => key.startsWith(`${onTheWay.first}:`)) ?? keys[0] ?? '');
      await admin.call('MIGRATE', '127.0.0.1', port, '', 0, 5_000, 'KEYS', ...(next === undefined ? keys : [next]));
      await onTheWay?.moved(keys.length - 1);
    }
  });
  await administer(to, (admin) => admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId));
  for (const node of nodes)
    if (node !== to) await administer(node, (admin) => admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId));
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 }, () => socket.write('PING\r\n'));
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error('no answer to PING')));
    socket.once('data', (data) => {
      socket.destroy();
      // Users with passwords are refused until they sign in; the server is there nevertheless.
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString('latin1')));
    });
  });
}

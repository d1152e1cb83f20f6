import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Client, credentials, status } from '@grpc/grpc-js';
import { durablesOf, services } from '../../local/services.ts';
import { type MetricLabel, metrics } from '../../observability/metrics.ts';
import type { Cases } from '../testing/cases.ts';
import { type Family, readMetrics } from '../testing/prometheus.ts';
import type { World } from '../testing/world.ts';
import { makeCast } from './bad-input.ts';

/** What the library tells of every process, and its sum of what it could not. */
const ofLibrary = /^(process|nodejs)_/;

async function readAll({ stack }: World): Promise<ReadonlyMap<string, readonly Family[]>> {
  const read = services.map(async ({ name }) => {
    return [name, await readMetrics(`${stack.urls.operations[name]}/metrics`)] as const;
  });
  return new Map(await Promise.all(read));
}

/** The table and what a service exports, both ways: names, types, texts, bounds. */
function differences(service: string, families: readonly Family[]): string[] {
  const expected = metrics.filter((metric) => metric.services.includes(service));
  type Told = Pick<Family, 'name' | 'type' | 'help'> & { readonly buckets: readonly (string | number)[] };
  const tell = ({ name, type, help, buckets }: Told) => `${type} ${name}: ${help} ${buckets.join(' ')}`.trim();
  const ours = families.filter(({ name }) => !ofLibrary.test(name));
  // A histogram with labels has no buckets yet where nothing was measured.
  const isMeasured = (name: string): boolean => (families.find((each) => each.name === name)?.series ?? 1) > 0;
  const told = expected.map((metric) => tell(isMeasured(metric.name) ? metric : { ...metric, buckets: [] }));
  const found = ours.map(tell);
  return [
    ...found.filter((each) => !told.includes(each)).map((each) => `${service} exports, not in the table: ${each}`),
    ...told.filter((each) => !found.includes(each)).map((each) => `${service} does not export: ${each}`),
  ];
}

function isAllowed(label: MetricLabel, values: ReadonlySet<string>): boolean {
  return 'values' in label ? [...values].every((value) => label.values.includes(value)) : values.size <= label.atMost;
}

/** Labels that the table does not have, and values that it does not allow. */
function strangers(service: string, families: readonly Family[]): string[] {
  return families.flatMap(({ name, labels }) => {
    const metric = metrics.find((each) => each.name === name);
    if (metric === undefined) return [];
    return [...labels].flatMap(([label, values]) => {
      const rule = metric.labels[label];
      const isGood = rule !== undefined && isAllowed(rule, values);
      return isGood ? [] : [`${service} ${name}: ${label} is ${[...values].join()}`];
    });
  });
}

/** What a person may choose, in every place where it could become a label. No two are equal. */
async function sendStrangeThings(world: World, count: number): Promise<string> {
  const mark = `mark${randomBytes(6).toString('hex')}`;
  const { me } = await makeCast(world);
  const token = me.accessToken;
  const { api } = world;
  const send = (request: Parameters<typeof api.call>[0]) => api.call(request).catch(() => undefined);
  const authHttp = `http://127.0.0.1:${world.stack.environmentOf('auth').HTTP_PORT}`;
  const clients = services.map(
    ({ name }) => new Client(world.stack.urls.grpc[name] ?? '', credentials.createInsecure()),
  );
  for (let number = 0; number < count; number += 1) {
    const own = `${mark}${number}`;
    await Promise.all([
      send({ path: `/users/${randomUUID()}`, token }),
      send({ path: `/users/by-handle/${own}`, token }),
      send({ path: `/posts/${own}`, token }),
      send({ path: `/${own}` }),
      send({ path: `//oxo.post.v1.PostService/${own}`, method: 'POST', token, body: {} }),
      send({ path: `//oauth/${own}` }),
      send({ path: `//account/${own}` }),
      send({ path: `//internal/${own}` }),
      send({ path: '/auth/login', method: 'POST', body: { identifier: own, password: own } }),
      send({ path: '/auth/refresh', method: 'POST', body: { refreshToken: own } }),
      send({ path: '/users/me', headers: { 'x-api-key': own } }),
      send({ path: '/feed', token, headers: { 'x-request-id': own, traceparent: own, 'user-agent': own } }),
      send({ path: '/posts', method: 'POST', token, headers: { 'idempotency-key': own }, body: { text: own } }),
    ]);
    // Past the front door, where a path and a method are what the caller likes.
    await fetch(`${authHttp}/${own}`, { method: 'PATCH' });
    await Promise.all(clients.map((client) => callUnknown(client, `/oxo.post.v1.PostService/${own}`)));
  }
  for (const client of clients) client.close();
  await world.settled();
  return mark;
}

/** @returns when it was refused, as all that is not served is */
function callUnknown(client: Client, path: string): Promise<void> {
  const bytes = (buffer: Buffer) => buffer;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), (error) => {
      assert.equal(error?.code, status.UNIMPLEMENTED);
      resolve();
    });
  });
}

const seriesOf = (families: readonly Family[]) => families.reduce((sum, { series }) => sum + series, 0);

/** What services tell of themselves, after all the refusals of the others. */
export const serviceMetrics: Cases = {
  'are those of the table, and no others': async (world) => {
    const all = await readAll(world);
    assert.deepEqual(
      [...all].flatMap(([service, families]) => [...differences(service, families), ...strangers(service, families)]),
      [],
    );
  },

  'name the consumers and RPCs that there are': async (world) => {
    const all = await readAll(world);
    for (const service of services) {
      const families = all.get(service.name) ?? [];
      const valuesOf = (name: string, label: string) =>
        [...(families.find((family) => family.name === name)?.labels.get(label) ?? [])].sort();
      const durables = (await durablesOf(service)).map(({ name }) => name).sort();
      assert.deepEqual(valuesOf('oxo_consumer_dead_total', 'consumer'), durables);
      for (const rpc of valuesOf('oxo_rpc_server_requests_total', 'rpc'))
        assert.match(rpc, /^oxo\.\w+\.v1\.\w+Service\/[A-Z]\w+$/);
      for (const each of families.filter(({ name, type }) => !ofLibrary.test(name) && type === 'counter'))
        assert.match(each.name, /_total$/);
    }
  },

  'do not grow with what people send': async (world) => {
    await sendStrangeThings(world, 2);
    const before = await readAll(world);
    const mark = await sendStrangeThings(world, 30);
    const after = await readAll(world);
    for (const [service, families] of after) {
      const grown = seriesOf(families) - seriesOf(before.get(service) ?? []);
      // A reason or a status that some RPC has not given before.
      assert.ok(grown <= 10, `${service} has ${grown} series more`);
      const values = families.flatMap(({ labels }) => [...labels.values()].flatMap((each) => [...each]));
      assert.deepEqual(
        values.filter((value) => value.includes(mark)),
        [],
      );
    }
  },
};

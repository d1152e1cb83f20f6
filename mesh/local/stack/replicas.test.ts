import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverPorts } from '../ports.ts';
import { type ServiceDefinition, services } from '../services.ts';
import {
  authHttpPort,
  grpcAddresses,
  grpcPort,
  instancesOf,
  maxReplicas,
  ofService,
  opsPort,
  serviceOf,
} from './replicas.ts';

/** As many services as there is room for: the tenth port of some blocks belongs to an exporter (ports.ts). */
const maxServices = 9;
const all = Array.from({ length: maxServices }, (_, slot): ServiceDefinition => {
  const [first] = services;
  assert(first !== undefined);
  return { ...first, name: `service${slot}`, slot };
});

test('every process has ports of its own, among the hundred of its stack', () => {
  const ports = [
    ...Object.values(serverPorts(8_000)),
    ...instancesOf(all, maxReplicas).flatMap((one) => [grpcPort(8_000, one), opsPort(8_000, one)]),
    ...Array.from({ length: maxReplicas }, (_, replica) => authHttpPort(8_000, replica)),
  ];
  assert.equal(new Set(ports).size, ports.length);
  for (const port of ports) assert.ok(port >= 8_000 && port < 8_100, String(port));
  for (const { name, slot } of services) assert.ok(slot < maxServices, name);
});

test('the first process of a service is called as the service is', () => {
  const names = instancesOf(services, 2).map(({ name }) => name);
  const first = services.map(({ name }) => name);
  assert.deepEqual(names, [...first, ...first.map((name) => `${name}-2`)]);
  assert.deepEqual([serviceOf('feed-2'), serviceOf('feed'), serviceOf('postgres')], ['feed', 'feed', 'postgres']);
  assert.deepEqual(ofService('feed', { feed: 1, post: 2, 'feed-2': 3 }), [1, 3]);
});

test('the others are told of all processes of a service', () => {
  const [auth] = services;
  assert(auth !== undefined);
  assert.equal(grpcAddresses(8_000, auth, 1), '127.0.0.1:8010');
  assert.equal(grpcAddresses(8_000, auth, 2), '127.0.0.1:8010,127.0.0.1:8040');
});

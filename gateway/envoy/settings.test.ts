import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createFileRegistry, fromBinary, getExtension, hasExtension } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { parse } from 'yaml';
import { ErrorReason } from '#gen/oxo/common/v1/error_reason.ts';
import { localReplies } from './refusals.ts';
import { renderEnvoyConfig } from './render.ts';
import { rpcClasses } from './rpcs.ts';
import { type EnvoySettings, pathParameters, publicServices } from './settings.ts';
import { everyUpstream } from './testing/upstreams.ts';

const descriptors = readFileSync(new URL('../../gen/envoy/oxo.binpb', import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const services = [...registry].filter((type) => type.kind === 'service' && type.typeName.startsWith('oxo.'));

const endpoint = { host: 'somewhere', port: 1 };
const settings: EnvoySettings = {
  listen: endpoint,
  admin: endpoint,
  upstreams: everyUpstream(endpoint),
  authHttp: endpoint,
  descriptorPath: '/d',
  publicUrl: 'https://oxo.example',
  corsOrigins: [],
  trustedHops: 0,
};

/** Asserts that a list of the settings has what the contracts have, and says what to do about it. */
function assertListed(list: string, listed: readonly string[], inContracts: Iterable<string>): void {
  const wanted = [...inContracts];
  const missing = wanted.filter((name) => !listed.includes(name)).map((name) => `add ${name}`);
  const left = listed.filter((name) => !wanted.includes(name)).map((name) => `take out ${name}`);
  const todo = [...missing, ...left].join(', ');
  assert.equal(todo, '', `${list} in gateway/envoy/settings.ts differs from the contracts: ${todo}`);
  assert.deepEqual([...listed].sort(), wanted.sort());
}

describe('the settings of the front door', () => {
  it('name every public service of the contracts, and no internal one', () => {
    const names = services.map((service) => service.typeName).filter((name) => !name.endsWith('InternalService'));
    assertListed('publicServices', Object.values(publicServices).flat(), names);
  });

  it('know every field that stands in a path', () => {
    const http = registry.getExtension('google.api.http');
    assert.ok(http);
    const names = new Set<string>();
    for (const method of services.flatMap((service) => (service.kind === 'service' ? service.methods : []))) {
      const { options } = method.proto;
      if (options === undefined || !hasExtension(options, http)) continue;
      const rule = JSON.stringify(getExtension(options, http));
      for (const [, name] of rule.matchAll(/\{(\w+)\}/g)) names.add(name ?? '');
    }
    assertListed('pathParameters', pathParameters, names);
  });

  it('may refuse a query of what is no GET and no DELETE: their fields stand in the body, or all in the path', () => {
    const http = registry.getExtension('google.api.http');
    assert.ok(http);
    let writes = 0;
    for (const method of services.flatMap((service) => (service.kind === 'service' ? service.methods : []))) {
      const { options } = method.proto;
      if (options === undefined || !hasExtension(options, http)) continue;
      const rule = getExtension(options, http) as { pattern: { case?: string; value?: string }; body: string };
      const { pattern, body } = rule;
      if (!['post', 'put', 'patch'].includes(pattern.case ?? '')) continue;
      writes += 1;
      const inPath = [...(pattern.value ?? '').matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inQuery = method.input.fields.filter(({ name }) => body !== '*' && !inPath.includes(name));
      assert.deepEqual(inQuery, [], method.name);
    }
    assert.ok(writes > 10);
  });

  it('put every public RPC into one class, by the verb of its route', () => {
    for (const service of services.filter(({ typeName }) => !typeName.endsWith('InternalService'))) {
      const names = service.kind === 'service' ? service.methods.map(({ name }) => name) : [];
      assert.deepEqual(
        rpcClasses(service.typeName)
          .flatMap(({ rpcs }) => rpcs)
          .sort(),
        names.sort(),
      );
    }
    const classOf = (service: string, rpc: string) => {
      const found = rpcClasses(service).find(({ rpcs }) => rpcs.includes(rpc));
      return `${found?.kind} ${found?.weight}`;
    };
    assert.equal(classOf('oxo.post.v1.PostService', 'GetPost'), 'read 1');
    assert.equal(classOf('oxo.post.v1.PostService', 'CreatePost'), 'write 3');
    assert.equal(classOf('oxo.post.v1.PostService', 'UpdatePost'), 'write 2');
    assert.equal(classOf('oxo.post.v1.PostService', 'DeletePost'), 'write 1');
    assert.equal(classOf('oxo.user.v1.UserService', 'Follow'), 'write 2');
  });

  it('give reasons of the closed list', () => {
    for (const { reason } of localReplies) assert.ok(reason in ErrorReason, reason);
  });

  it('leave no placeholder, and no part of another place, in the configuration', () => {
    const config = renderEnvoyConfig(settings);
    assert.doesNotMatch(config, /\$\{/);
    const parsed = parse(config);
    const clusters = parsed.static_resources.clusters.map(({ name }: { name: string }) => name);
    assert.deepEqual(clusters, [...Object.keys(publicServices), 'auth_http']);
    const [listener] = parsed.static_resources.listeners;
    assert.equal(listener.filter_chains[0].filters[0].typed_config.tracing, undefined);
  });

  it('allow as many times the requests as a service has endpoints', () => {
    const upstreams = { ...settings.upstreams, feed: [endpoint, endpoint, endpoint] };
    const parsed = parse(renderEnvoyConfig({ ...settings, upstreams, maxRequests: { reads: 5, writes: 3 } }));
    const limitsOf = (name: string): number[] => {
      const cluster = parsed.static_resources.clusters.find((one: { name: string }) => one.name === name);
      return cluster.circuit_breakers.thresholds.map((one: { max_requests: number }) => one.max_requests);
    };
    assert.deepEqual(
      [limitsOf('post'), limitsOf('feed')],
      [
        [5, 3],
        [15, 9],
      ],
    );
  });

  it('allow a collector of spans over TLS', () => {
    const tracing = { otlpEndpoint: 'https://collector.example', samplingPercent: 1 };
    const parsed = parse(renderEnvoyConfig({ ...settings, tracing }));
    const collector = parsed.static_resources.clusters.at(-1);
    assert.equal(collector.transport_socket.typed_config.sni, 'collector.example');
    const [address] = collector.load_assignment.endpoints[0].lb_endpoints;
    assert.deepEqual(address.endpoint.address.socket_address, { address: 'collector.example', port_value: 443 });
  });
});

/** Each service is one file and one line, and its file is whole: what stops, scales and protects is there and fits the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { publicServices } from '../../../gateway/envoy/settings.ts';
import { durablesOf, services } from '../../local/services.ts';
import { repositoryRoot } from '../../local/settings.ts';
import {
  baseFolder,
  indexOf,
  networkPolicyOf,
  only,
  ownSettings,
  type Resource,
  readResources,
} from '../testing/manifests.ts';

const servers = ['gateway', 'ratelimit'];
const files = [...services.map(({ name }) => name), ...servers];
const patch = parse(readFileSync(join(baseFolder, 'every-service.patch.yaml'), 'utf8')) as Resource;

/** A pod as kustomize makes it, as far as the patch of all services goes. */
function podOf(resources: readonly Resource[]) {
  const { metadata, spec } = only(resources, 'Deployment');
  const isService = metadata.labels?.['oxo.dev/kind'] === 'service';
  const common = isService ? patch.spec.template.spec : {};
  const [container] = spec.template.spec.containers;
  return {
    labels: spec.template.metadata.labels as Record<string, string>,
    graceSeconds: spec.template.spec.terminationGracePeriodSeconds ?? common.terminationGracePeriodSeconds,
    container: { ...common.containers?.[0], ...container },
    ports: [...(common.containers?.[0].ports ?? []), ...(container.ports ?? [])] as { name: string }[],
    isService,
  };
}

type Peers = readonly { readonly podSelector?: { readonly matchLabels?: { readonly app?: string } } }[];
type Rule = { readonly to?: Peers; readonly from?: Peers; readonly ports: readonly { readonly port: number }[] };

const appsOf = (peers: Peers = []): string[] => peers.flatMap(({ podSelector }) => podSelector?.matchLabels?.app ?? []);

describe('the files of the base', () => {
  it('are those that the index names', () => {
    for (const folder of [baseFolder, join(baseFolder, 'infra'), join(baseFolder, '../../istio')]) {
      const { named, present } = indexOf(folder);
      assert.deepEqual(present, named, folder);
    }
    const { named } = indexOf(baseFolder);
    for (const name of files) assert.ok(named.includes(`${name}.yaml`), name);
    for (const name of Object.keys(publicServices)) assert.ok(files.includes(name), name);
  });

  it('hold one process, in which nothing is missing', () => {
    for (const name of files) {
      const resources = readResources(`${name}.yaml`);
      for (const kind of ['ServiceAccount', 'Service', 'Deployment', 'PodDisruptionBudget']) {
        assert.equal(only(resources, kind).metadata.name, name, kind);
      }
      // Two that scale one Deployment would work against each other.
      const scaling = resources.filter(({ kind }) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(kind));
      assert.equal(scaling.length, 1, name);
      assert.equal(scaling[0]?.spec.scaleTargetRef.name, name);
      assert.equal(only(resources, 'Deployment').spec.replicas, undefined, `${name}: the autoscaler says how many`);
    }
  });

  it('give each pod its own account, which is its identity in the mesh', () => {
    for (const name of files) {
      const { spec } = only(readResources(`${name}.yaml`), 'Deployment');
      assert.equal(spec.template.spec.serviceAccountName, name);
      // The next version has another label, and the same Service (mesh/istio/canary.ts).
      assert.deepEqual(spec.selector.matchLabels, { app: name, version: 'v1' });
    }
  });

  it('name ports so that Istio knows what is spoken there', () => {
    for (const name of [...files]) {
      const resources = readResources(`${name}.yaml`);
      const ports = [...only(resources, 'Service').spec.ports, ...podOf(resources).ports] as { name: string }[];
      for (const port of ports) assert.match(port.name, /^(grpc|http|tcp)(-|$)/, name);
    }
  });

  it('let a process end as it does by itself: what is under way, then within its limit', () => {
    const text = readFileSync(join(repositoryRoot, 'mesh/kit/process/lifecycle.ts'), 'utf8');
    const stopSeconds = Number(/STOP_LIMIT_MS = (\d+)_000/.exec(text)?.[1]);
    assert.ok(stopSeconds > 0);
    for (const name of files) {
      const { graceSeconds, container, isService } = podOf(readResources(`${name}.yaml`));
      const waits: number = container.lifecycle.preStop.sleep.seconds;
      // Until every proxy has heard of it; the front door's Envoy, which ends at once, besides for its longest answer.
      assert.ok(waits >= (name === 'gateway' ? 15 : 5), name);
      assert.ok(graceSeconds >= waits + (isService ? stopSeconds : 0) + 5, name);
      for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) assert.ok(container[probe], probe);
      assert.ok(container.resources.requests.memory && container.resources.limits.memory, name);
    }
  });

  it('reach a data service exactly where their settings name one', () => {
    const labelOf = {
      DATABASE_URL: 'postgres',
      REDIS_URL: 'redis',
      NATS_URL: 'nats',
      LIMITS_REDIS_URL: 'redis-limits',
    };
    for (const { name } of services) {
      const resources = readResources(`${name}.yaml`);
      const own = ownSettings(resources);
      for (const [variable, server] of Object.entries(labelOf)) {
        const has = podOf(resources).labels[`oxo.dev/${server}`] === 'client';
        assert.equal(has, own[variable] !== undefined, `${name} ${server}`);
      }
    }
  });

  it('let in those that are let out, at the same ports, and nobody else', () => {
    const out: string[] = [];
    const into: string[] = [];
    for (const name of [...files, 'operator']) {
      const { spec } = networkPolicyOf(name);
      for (const { to, ports } of (spec.egress ?? []) as Rule[]) {
        for (const peer of appsOf(to)) for (const { port } of ports) out.push(`${name} to ${peer}:${port}`);
      }
      for (const { from, ports } of (spec.ingress ?? []) as Rule[]) {
        for (const peer of appsOf(from)) for (const { port } of ports) into.push(`${peer} to ${name}:${port}`);
      }
    }
    assert.deepEqual(out.sort(), into.sort());
  });

  it('scale by every consumer that the code has', async () => {
    for (const service of services) {
      const scaling = readResources(`${service.name}.yaml`).find(({ kind }) => kind === 'ScaledObject');
      const triggers: readonly { type: string; metadata: { consumer: string; stream: string } }[] =
        scaling?.spec.triggers ?? [];
      const consumers = triggers.filter(({ type }) => type === 'nats-jetstream').map(({ metadata }) => metadata);
      const durables = await durablesOf(service);
      assert.deepEqual(
        consumers.map(({ stream, consumer }) => `${stream} ${consumer}`).sort(),
        durables.map(({ stream, name }) => `${stream} ${name}`).sort(),
        service.name,
      );
    }
  });

  it('leave Postgres room for all of them, also while they are rolled', () => {
    const cluster = only(readResources('infra/postgres.yaml'), 'Cluster');
    const limit = Number(cluster.spec.postgresql.parameters.max_connections);
    let most = 0;
    for (const { name } of services) {
      const resources = readResources(`${name}.yaml`);
      const own = ownSettings(resources);
      if (own.DATABASE_URL === undefined) continue;
      const { spec } = resources.find(({ kind }) => /^(HorizontalPodAutoscaler|ScaledObject)$/.test(kind)) ?? {};
      // Its pool, the relay's own, and a pod more while a version replaces another.
      most += (Number(spec.maxReplicas ?? spec.maxReplicaCount) + 1) * (Number(own.DATABASE_POOL_SIZE ?? 10) + 2);
    }
    assert.ok(most > 0 && most + 100 <= limit, `${most} and 100 of administrators, of ${limit}`);
  });
});

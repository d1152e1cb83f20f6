/** What operators and Prometheus make of a few lines that look right and do nothing when they are not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { metrics } from '../../observability/metrics.ts';
import { baseFolder, only, readResources } from '../testing/manifests.ts';

type Relabeling = {
  action: string;
  sourceLabels?: string[];
  regex?: string;
  replacement?: string;
  targetLabel?: string;
};

/** As Prometheus does; undefined when the target is dropped. */
function relabel(rules: readonly Relabeling[], labels: Record<string, string>): Record<string, string> | undefined {
  const result = { ...labels };
  for (const { action, sourceLabels = [], regex = '(.*)', replacement = '$1', targetLabel = '' } of rules) {
    const value = sourceLabels.map((name) => result[name] ?? '').join(';');
    const match = new RegExp(`^(?:${regex})$`).exec(value);
    if (action === 'keep' && match === null) return undefined;
    if (action === 'replace' && match !== null) {
      result[targetLabel] = replacement.replaceAll(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '');
    }
  }
  return result;
}

describe('Redis', () => {
  const { spec } = only(readResources('infra/redis.yaml'), 'RedisCluster');

  it('is as large as clusterSize says, which a runbook changes', () => {
    assert.ok(spec.clusterSize >= 3);
    for (const part of [spec.redisLeader, spec.redisFollower]) assert.equal(part.replicas, undefined);
  });

  it('keeps who a node is, and no data', () => {
    assert.equal(spec.persistenceEnabled, false);
    assert.equal(spec.storage.nodeConfVolume, true);
    assert.ok(spec.storage.nodeConfVolumeClaimTemplate.spec.resources.requests.storage);
    assert.equal(spec.storage.volumeClaimTemplate, undefined);
  });
});

describe("NATS' pod", () => {
  const { spec } = only(readResources('infra/nats.yaml'), 'StatefulSet').spec.template;
  const [server, reloader] = spec.containers;

  it('is not started again for what another start does not mend', () => {
    const path = (probe: string): string => server[probe].httpGet.path;
    assert.equal(path('startupProbe'), '/healthz');
    assert.ok(server.startupProbe.failureThreshold >= 90);
    assert.equal(path('readinessProbe'), '/healthz?js-server-only=true');
    assert.equal(path('livenessProbe'), '/healthz?js-enabled-only=true');
  });

  it('is told of every file that its configuration names', () => {
    assert.equal(spec.shareProcessNamespace, true);
    const config = readFileSync(join(baseFolder, 'infra/generated/nats.conf'), 'utf8');
    const files = [...config.matchAll(/"(\/etc\/[^"]+)"/g)].map(([, file]) => file);
    const watched = reloader.args.filter((_: string, at: number) => reloader.args[at - 1] === '-config');
    assert.deepEqual(watched.sort(), [...new Set([...files, server.args[1]])].sort());
    const pidFile = reloader.args[reloader.args.indexOf('-pid') + 1];
    assert.equal(server.args[server.args.indexOf('--pid') + 1], pidFile);
    // A signal reaches only a process of the same user; the pod says it for both.
    for (const { securityContext } of [server, reloader]) assert.equal(securityContext.runAsUser, undefined);
  });

  it('has each variable that its configuration asks for', () => {
    const config = readFileSync(join(baseFolder, 'infra/generated/nats.conf'), 'utf8');
    assert.doesNotMatch(
      config,
      /"password": "/,
      'a password that stands there, whatever it looks like, is the password',
    );
    const asked = new Set([...config.matchAll(/: \$(\w+)/g)].map(([, name]) => name));
    const secret = only(readResources('infra/generated/nats-passwords.yaml'), 'ExternalSecret').spec.target.template
      .data;
    const given = [...server.env.map(({ name }: { name: string }) => name), ...Object.keys(secret)];
    assert.ok(asked.has('POD_NAME'), 'the server would not take its file anew without a name in it');
    for (const name of asked) assert.ok(given.includes(name), name);
  });
});

describe('Prometheus', () => {
  const { spec } = only(readResources('metrics.yaml'), 'PodMonitor');
  const [endpoint] = spec.podMetricsEndpoints;
  const of = (container: string, ip: string) =>
    relabel(endpoint.relabelings, {
      __meta_kubernetes_pod_container_name: container,
      __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
      __meta_kubernetes_pod_annotation_prometheus_io_port: '15020',
      __meta_kubernetes_pod_ip: ip,
      __meta_kubernetes_pod_label_app: 'post',
      __address__: `${ip}:15090`,
    });

  it("asks each pod's agent once, by a port that no container declares", () => {
    // It would keep the containers that declare it.
    for (const field of ['portNumber', 'port', 'targetPort']) assert.equal(endpoint[field], undefined);
    assert.equal(of('istio-proxy', '10.0.0.7')?.__address__, '10.0.0.7:15020');
    assert.equal(of('istio-proxy', 'fd00:1::7')?.__address__, '[fd00:1::7]:15020');
    assert.equal(of('istio-proxy', '10.0.0.7')?.job, 'post');
    assert.equal(of('service', '10.0.0.7'), undefined);
  });

  it('adds no label that a metric of ours has: it would be renamed', () => {
    const ours = new Set(metrics.flatMap(({ labels }) => Object.keys(labels)));
    const added: string[] = endpoint.relabelings.map(({ targetLabel }: { targetLabel?: string }) => targetLabel);
    assert.ok(ours.has('version') && added.includes('job'));
    assert.deepEqual(
      added.filter((label) => ours.has(label)),
      [],
    );
  });

  it('asks the ingress as well', () => {
    assert.deepEqual(spec.namespaceSelector.matchNames, ['oxo-app', 'istio-ingress']);
    // Injection gives this label to sidecars and gateways; tlsMode only to the former.
    assert.deepEqual(
      spec.selector.matchExpressions.map(({ key }: { key: string }) => key),
      ['service.istio.io/canonical-name'],
    );
  });
});

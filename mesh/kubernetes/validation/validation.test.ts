/** Every overlay is what the API server, Istio and the operators take, field by field; and what is planted is found. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { readManifests } from '../../lab/manifests/read.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import type { Resource } from '../testing/manifests.ts';
import { analyse, conform, findIstioctl, kustomize } from './tools.ts';

const overlays = ['dev', 'prod', 'lab'];
/** Of an operator whose module is on no proxy: nobody looks at them but the operator. */
const withoutSchema = ['Redis redis-limits', 'RedisCluster redis'];

function fileOf(manifests: string): string {
  const path = join(temporaryFolder(), 'manifests.yaml');
  writeFileSync(path, manifests);
  return path;
}

describe('the overlays', () => {
  const manifests = new Map<string, string>();
  before(async () => {
    for (const overlay of overlays) manifests.set(overlay, await kustomize(`mesh/kubernetes/overlays/${overlay}`));
  });
  const of = (overlay: string): string => manifests.get(overlay) ?? assert.fail(overlay);

  for (const overlay of overlays) {
    it(`${overlay}: fits the schemas, of which but two are had`, async () => {
      const found = await conform(fileOf(of(overlay)));
      const unknown = found.filter(({ msg }) => msg.includes('could not find schema'));
      assert.deepEqual(
        found.filter((one) => !unknown.includes(one)),
        [],
      );
      assert.deepEqual(
        unknown.map(({ kind, name }) => `${kind} ${name}`).sort(),
        overlay === 'lab' ? [] : withoutSchema,
      );
    });
  }

  it('show a field that is not there, a wrong type, and what is missing', async () => {
    const planted = of('prod')
      .replace('failureThreshold: 90', 'failureTreshold: 90')
      .replace('instances: 3', 'instances: "three"')
      .replace('consecutiveGatewayErrors: 10', 'consecutiveGatewayError: 10')
      .replace('scaleTargetRef:\n    name: feed', 'scaleTarget:\n    name: feed');
    const found = await conform(fileOf(planted));
    const kinds = found.filter(({ msg }) => !msg.includes('could not find schema')).map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), ['Cluster', 'Deployment', 'DestinationRule', 'ScaledObject']);
  });

  it('have no secret in them', () => {
    for (const overlay of overlays) assert.doesNotMatch(of(overlay), /^kind: Secret$/m, overlay);
  });

  it('say which version of each image', () => {
    // Istio's injector puts in its own for `auto`.
    const moving = (text: string) =>
      [...text.matchAll(/^ *(?:- )?image(?:Name)?: "?([^\s"]+)/gm)].flatMap(([, image = '']) =>
        image === 'auto' || (/(?::[^:/]+|@sha256:[0-9a-f]{64})$/.test(image) && !/:latest$/.test(image)) ? [] : [image],
      );
    assert.ok((of('prod').match(/image: /g) ?? []).length > 10);
    assert.deepEqual(moving(of('prod')), []);
    const planted = ['a/oxo:latest', 'a/oxo', 'host:5000/oxo', `a/oxo@sha256:${'0'.repeat(64)}`, 'a/oxo:1.0'];
    assert.deepEqual(moving(planted.map((image) => `- image: ${image}`).join('\n')), planted.slice(0, 3));
  });

  it('say where people find OXO in one place', async () => {
    const folder = temporaryFolder();
    for (const name of ['mesh/kubernetes', 'mesh/istio', 'mesh/observability']) {
      cpSync(join(repositoryRoot, name), join(folder, name), { recursive: true });
    }
    const overlay = join(folder, 'mesh/kubernetes/overlays/prod');
    const path = join(overlay, 'kustomization.yaml');
    writeFileSync(
      path,
      readFileSync(path, 'utf8')
        .replace('JWT_ISSUER=https://oxo.example', 'JWT_ISSUER=https://a.test')
        .replace('HOST=smtp.oxo.example', 'HOST=mail.b.test'),
    );
    const lines = (await kustomize(overlay)).split('\n').filter((line) => /\boxo\.example|[ab]\.test/.test(line));
    // The sender of mails is another name.
    const left = lines.filter((line) => line.includes('oxo.example') && !line.includes('no-reply@oxo'));
    assert.deepEqual(left, []);
    assert.ok(lines.length > 10, lines.join('\n'));
    // The setting, where the mesh leads to, and what auth's sidecar lets out.
    const mail = lines.filter((line) => line.includes('b.test')).map((line) => line.trim());
    assert.deepEqual(mail.sort(), ['- ./mail.b.test', '- mail.b.test', 'HOST: mail.b.test']);
  });

  it('come in waves: what the migration stands on, the migration, the rest', () => {
    const later =
      'Deployment HorizontalPodAutoscaler ScaledObject DaemonSet PodDisruptionBudget PodMonitor PrometheusRule'.split(
        ' ',
      );
    for (const overlay of ['dev', 'prod']) {
      for (const { kind, metadata } of readManifests(of(overlay), overlay)) {
        const annotations = metadata.annotations ?? {};
        const wave = Number(annotations['argocd.argoproj.io/sync-wave'] ?? 0);
        const wanted = kind === 'Job' ? -1 : later.includes(kind) ? 0 : -2;
        assert.equal(wave, wanted, `${overlay}: ${kind} ${metadata.name}`);
        // A hook of a phase of its own would come before all waves.
        if (kind === 'Job') assert.equal(annotations['argocd.argoproj.io/hook'], 'Sync');
      }
    }
  });

  it('dev is one of each, on one node', () => {
    const all = readManifests(of('dev'), 'dev') as Resource[];
    const one = (kind: string, name: string) => all.find((it) => it.kind === kind && it.metadata.name === name)?.spec;
    const nats = one('StatefulSet', 'nats');
    const [server] = nats.template.spec.containers;
    assert.equal(nats.replicas, 1);
    assert.ok(
      server.env.some((it: { name: string; value: string }) => it.name === 'NATS_CLUSTER_PORT' && it.value === '0'),
    );
    const migrate = one('Job', 'migrate').template.spec.containers[0].env;
    assert.ok(migrate.some((it: { name: string; value: string }) => it.name === 'STREAM_REPLICAS' && it.value === '1'));
    assert.deepEqual([one('Cluster', 'postgres').instances, one('Cluster', 'postgres').enablePDB], [1, false]);
    assert.doesNotMatch(of('dev'), /DoNotSchedule|requiredDuringScheduling/);
    const scaled = all.filter(({ kind }) => kind === 'ScaledObject');
    assert.ok(scaled.length > 1);
    for (const { spec, metadata } of scaled) assert.ok(spec.fallback.replicas <= spec.maxReplicaCount, metadata.name);
  });

  it('are what Istio takes', async (context) => {
    const istioctl = await findIstioctl();
    if (istioctl === undefined) return context.skip('istioctl is built by ./oxo mesh up, in minutes');
    for (const overlay of overlays) assert.deepEqual(await analyse(istioctl, fileOf(of(overlay))), [], overlay);
    const planted = of('prod')
      .replace('credentialName: oxo-tls', 'credentialName: oxo-tls\n      privateKey: /key')
      .replace(
        'host: feed.oxo-app.svc.cluster.local\n        port',
        'host: feeds.oxo-app.svc.cluster.local\n        port',
      )
      .replace('baseEjectionTime: 10s', 'baseEjectionTime: 0s');
    const found = (await analyse(istioctl, fileOf(planted))).join('\n');
    assert.match(found, /IST0101/);
    assert.match(found, /ejection time|baseEjectionTime|duration/i);
  });
});

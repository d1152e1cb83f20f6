/** Every overlay is what the API server, Istio and the operators take, field by field; and what is planted is found. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { repositoryRoot } from '../../local/settings.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
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

  it('say where people find OXO in one place', async () => {
    const folder = temporaryFolder();
    for (const name of ['mesh/kubernetes', 'mesh/istio']) {
      cpSync(join(repositoryRoot, name), join(folder, name), { recursive: true });
    }
    const overlay = join(folder, 'mesh/kubernetes/overlays/prod');
    const path = join(overlay, 'kustomization.yaml');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('JWT_ISSUER=https://oxo.example', 'JWT_ISSUER=https://a.test'),
    );
    const lines = (await kustomize(overlay)).split('\n').filter((line) => /\boxo\.example|a\.test/.test(line));
    // The sender of mails and the server that takes them are other names.
    const left = lines.filter((line) => line.includes('oxo.example') && !/no-reply@oxo|smtp\.oxo/.test(line));
    assert.deepEqual(left, []);
    assert.ok(lines.length > 8, lines.join('\n'));
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

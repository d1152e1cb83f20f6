/** Who is not in the mesh is refused, and so is who is, without being one of ours. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createApplier, type Manifest } from '../manifests/apply.ts';
import { api, callAs, callPlainly, ipOf, podOf, serviceAddress, until } from './pods.ts';

const namespace = 'oxo-lab-strangers';
const [unavailable, permissionDenied] = [14, 7];
const path = 'grpc.health.v1.Health/Check';

after(() => api.remove(`/api/v1/namespaces/${namespace}`));

test('what comes in plain text is refused, whoever is asked', async () => {
  for (const app of ['auth', 'user', 'post', 'feed']) {
    const address = `${ipOf(await podOf(app))}:50051`;
    const [ending] = await callPlainly([{ address, authority: 'oxo', path }]);
    assert.equal(ending?.code, unavailable, `${app}: ${ending?.details}`);
  }
  const gateway = ipOf(await podOf('gateway'));
  await assert.rejects(fetch(`http://${gateway}:8080/api/v1/feed`), /fetch failed/);
});

test('a stranger with a certificate of the mesh is denied', async () => {
  const stranger: Manifest = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stranger', namespace, labels: { app: 'stranger' } } },
    spec: { containers: [{ name: 'app', image: 'oxo', command: ['node', '-e', 'setInterval(() => {}, 1000)'] }] },
  } as Manifest;
  await createApplier(api).apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
    stranger,
  ]);
  const pod = await until('the stranger is ready', 120_000, () => podOf('stranger', namespace).catch(() => undefined));
  for (const app of ['auth', 'user', 'post', 'feed']) {
    const call = { ...(await serviceAddress(app, 50_051)), path };
    const [ending] = await callAs(pod, [call]);
    assert.equal(ending?.code, permissionDenied, `${app}: ${ending?.details}`);
    assert.match(ending?.details ?? '', /RBAC/);
  }
});

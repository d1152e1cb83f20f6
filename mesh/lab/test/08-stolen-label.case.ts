/** Whoever wears the label of one of ours without being it: the API server takes no such pod, and were there one, nobody would talk to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KubernetesObject } from '../api/types.ts';
import { createApplier, type Manifest } from '../manifests/apply.ts';
import { upstreamHosts } from '../status/certificates.ts';
import { type OwnPod, ownPod } from './own-pods.ts';
import { api, appNamespace, callAs, ipOf, lab, podOf, podsOf, serviceAddress, until } from './pods.ts';

const thief = 'thief';
const labels = { app: 'user', version: 'v1' };
const path = 'oxo.user.v1.UserService/GetUser';
/** What the thief answers to all that it is asked. */
const answer = 'taken by somebody else';
const code = `require('node:http2').createServer().on('stream', (stream) => stream.respond(
  { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '9', 'grpc-message': '${answer}' },
  { endStream: true })).listen(50051)`;

/** Annotations that would lead traffic past the sidecar, or put something else into its place. */
const settings = [
  ['traffic.sidecar.istio.io/excludeOutboundIPRanges', '0.0.0.0/0'],
  ['traffic.sidecar.istio.io/excludeInboundPorts', '50051'],
  ['traffic.sidecar.istio.io/includeInboundPorts', ''],
  ['traffic.sidecar.istio.io/includeOutboundIPRanges', ''],
  ['sidecar.istio.io/interceptionMode', 'NONE'],
  ['sidecar.istio.io/proxyImage', 'registry.example/own'],
  ['sidecar.istio.io/bootstrapOverride', 'own'],
  ['sidecar.istio.io/userVolume', '{}'],
  ['status.sidecar.istio.io/port', '1'],
  ['inject.istio.io/templates', 'gateway'],
  ['proxy.istio.io/overrides', '{}'],
  ['proxy.istio.io/config', 'binaryPath: /tmp/own'],
  ['proxy.istio.io/config', 'proxyMetadata: {SECRET_TTL: 60s, CA_ADDR: own}'],
] as const;

const podsPath = `/api/v1/namespaces/${appNamespace}/pods`;
const bindings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
const binding = await api.get<KubernetesObject & { readonly spec: object }>(`${bindings}/oxo-app-pods`);
const rulePath = `/apis/networking.istio.io/v1/namespaces/${appNamespace}/destinationrules/user`;
const names = [`spiffe://cluster.local/ns/${appNamespace}/sa/user`];

before(async () => {
  const metadata = { name: thief, namespace: appNamespace };
  await createApplier(api).apply([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata }]);
});

after(async () => {
  await setNames(names);
  await api.remove(`${podsPath}/${thief}`).catch(() => {});
  await api.remove(`/api/v1/namespaces/${appNamespace}/serviceaccounts/${thief}`);
  const { metadata, spec } = binding;
  const kept = { metadata: { name: metadata.name, labels: metadata.labels ?? {} }, spec };
  await createApplier(api).apply([
    {
      ...{ apiVersion: 'admissionregistration.k8s.io/v1', ...kept },
      kind: 'ValidatingAdmissionPolicyBinding',
    } as Manifest,
  ]);
  await until('the thief is gone', 60_000, async () => (await podsOf('user')).length === 1);
});

/** Whose certificates callers take for that of user; null: those of all pods that the Service selects, as Istio does. */
async function setNames(subjectAltNames: readonly string[] | null): Promise<void> {
  await api.merge(rulePath, { spec: { trafficPolicy: { tls: { subjectAltNames } } } });
}

test('the API server takes no pod that is not what its label says, or that passes its sidecar by', async () => {
  const own = { name: thief, account: thief, labels: { app: thief } };
  const tried: readonly (readonly [OwnPod, RegExp | undefined])[] = [
    [own, undefined],
    [{ ...own, labels }, /the label app must be the pod's serviceAccountName/],
    [{ ...own, labels: {} }, /the label app must be/],
    [{ ...own, user: 1337 }, /neither may be 1337/],
    [{ ...own, user: undefined }, /containers must say runAsUser/],
    [{ ...own, labels: { app: thief, 'sidecar.istio.io/inject': 'false' } }, /only the migration may do without/],
    [{ ...own, annotations: { 'sidecar.istio.io/inject': 'false' } }, /only the migration may do without/],
    [{ ...own, sidecar: { image: 'oxo' } }, /must be Istio's own image and command/],
    [{ ...own, sidecar: { image: 'auto', command: ['node', '-e', ''] } }, /must be Istio's own image and command/],
    [{ ...own, sidecar: { image: 'auto', args: ['node', '-e', ''] } }, /must be Istio's own image and command/],
    [
      { ...own, sidecar: { image: 'auto', env: [{ name: 'LD_PRELOAD', value: '/tmp/a' }] } },
      /annotations of istio\.io/,
    ],
    [{ ...own, annotations: { 'proxy.istio.io/config': 'proxyMetadata: {SECRET_TTL: 60s}' } }, undefined],
    ...settings.map(
      ([name, value]) =>
        [{ ...own, annotations: { [name]: value } }, /annotations of istio\.io|Istio's own image|restricted/] as const,
    ),
    [{ ...own, labels: { app: thief, 'security.istio.io/tlsMode': 'disabled' } }, /labels of istio\.io/],
    [{ ...own, labels: { app: thief, 'oxo.dev/postgres': 'client' } }, /labels of oxo\.dev/],
  ];
  for (const [pod, refusal] of tried) {
    const created = api.create(`${podsPath}?dryRun=All`, ownPod(pod));
    if (refusal === undefined) await created;
    else await assert.rejects(created, refusal);
  }
  const { metadata } = await podOf('user');
  const change = api.merge(`${podsPath}/${metadata.name}`, { metadata: { labels: { app: 'post' } } });
  await assert.rejects(change, /the label app must be/, 'nor does one change it');
});

test('a pod that wears the label of another is sent nothing', async (context) => {
  // As in a cluster whose policies of admission somebody has taken away.
  await api.remove(`${bindings}/${binding.metadata.name}`);
  const pod = ownPod({ name: thief, account: thief, labels, code });
  await until('it is let in', 60_000, () => api.create(podsPath, pod).catch(() => undefined));
  const ip = await until('it is ready', 120_000, async () => {
    const found = (await podsOf('user')).find(({ metadata }) => metadata.name === thief);
    return found === undefined ? undefined : ipOf(found);
  });
  const gateway = await podOf('gateway');
  await until('the front door knows it', 60_000, async () => {
    const hosts = await upstreamHosts(lab.names.pod(ipOf(gateway)));
    return hosts.some(({ cluster, address }) => cluster.includes('|stable|user.') && address.startsWith(`${ip}:`));
  });
  const call = { ...(await serviceAddress('user', 50_051)), path };
  const taken = async (): Promise<number> => {
    const endings = await callAs(
      gateway,
      Array.from({ length: 40 }, () => call),
    );
    return endings.filter(({ details }) => details === answer).length;
  };
  assert.equal(await taken(), 0, 'nothing reaches it');
  // It would have had its share: with the certificates of all pods that wear the label it gets one.
  await setNames(null);
  const count = await until('it has its share where nobody asks who it is', 60_000, taken);
  context.diagnostic(`${count} of 40 without subjectAltNames`);
  await setNames(names);
  await until('and none any more', 60_000, async () => (await taken()) === 0);
});

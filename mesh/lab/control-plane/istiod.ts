import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../local/settings.ts';
import type { ProcessSpec } from '../../local/supervisor/process.ts';
import type { Api } from '../api/client.ts';
import type { Lab } from '../folder.ts';
import { createApplier, type Manifest } from '../manifests/apply.ts';
import { readManifests } from '../manifests/read.ts';
import { addresses } from '../net/names.ts';
import { runProgram } from '../net/run.ts';
import type { LabPrograms } from '../parts/ensure.ts';
import { answersHttp, type Cluster, common } from './kubernetes.ts';

const namespace = 'istio-system';
const ports = { http: 15_080, monitoring: 15_014, plainXds: 15_010, xds: 15_012, webhooks: 15_017 };
const loopback = '127.0.0.1';
/** Answers with 200 while istiod can do its work. */
export const readyUrl = `http://${loopback}:${ports.http}/ready`;

/** How Istio is installed, as for any cluster. */
const installation = join(repositoryRoot, 'mesh/istio/install/istio.yaml');

/** What only the lab sets: Envoy comes from its makers and has no filters of Istio's own, and sidecars know the names of Services, since there is no other DNS. */
const labValues = [
  'profile=minimal',
  `values.global.istioNamespace=${namespace}`,
  'values.defaultRevision=default',
  'values.telemetry.enabled=false',
  'values.pilot.cni.enabled=true',
  'meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE=true',
];
const labEnvironment = { PILOT_ENABLE_METADATA_EXCHANGE: 'false', PILOT_ENABLE_ALPN_FILTER: 'false' };

/** What an installation consists of: objects for the API server, and what istiod is started with. */
export type Installation = { readonly manifests: readonly Manifest[]; readonly env: Readonly<Record<string, string>> };

type Workload = Manifest & {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly { readonly env?: readonly { name: string; value?: string }[] }[];
      };
    };
  };
};

const workloads = ['Deployment', 'DaemonSet', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'];

/** Makes the manifests of Istio. istiod itself is no pod here but a process of the node, with the variables of its Deployment. */
export async function renderInstallation(programs: LabPrograms): Promise<Installation> {
  const own = existsSync(installation) ? ['-f', installation] : [];
  const settings = labValues.flatMap((value) => ['--set', value]);
  const text = await runProgram(programs.istioctl, ['manifest', 'generate', ...own, ...settings]);
  const all = readManifests(text, 'istioctl manifest generate');
  const istiod = all.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'istiod') as Workload;
  const variables = istiod?.spec?.template?.spec?.containers?.[0]?.env ?? [];
  const env = variables.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const]));
  return { manifests: all.filter(({ kind }) => !workloads.includes(kind)), env: Object.fromEntries(env) };
}

/** Everything of Istio but istiod itself, which the API server reaches by an address of the node. */
export async function applyInstallation(api: Api, { manifests }: Installation): Promise<void> {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...{ name: 'istiod-lab', namespace },
      labels: { 'kubernetes.io/service-name': 'istiod', 'endpointslice.kubernetes.io/managed-by': 'oxo-lab' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [addresses.node], conditions: { ready: true, serving: true, terminating: false } }],
    ports: [
      { name: 'https-webhook', port: ports.webhooks, protocol: 'TCP' },
      { name: 'https-dns', port: ports.xds, protocol: 'TCP' },
      { name: 'http-monitoring', port: ports.monitoring, protocol: 'TCP' },
    ],
  };
  const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await createApplier(api).apply([own, ...manifests, slice]);
}

export async function istiod(
  lab: Lab,
  programs: LabPrograms,
  cluster: Cluster,
  { env }: Installation,
): Promise<ProcessSpec> {
  const base = common(lab, 'istiod', programs.pilotDiscovery);
  const cwd = join(lab.clusterDir, 'istiod');
  await mkdir(cwd, { recursive: true });
  return {
    ...{ ...base, cwd },
    env: {
      ...{ ...base.env, ...env, ...labEnvironment },
      ...{ POD_NAMESPACE: namespace, POD_NAME: 'istiod-0', SERVICE_ACCOUNT: 'istiod' },
      ...{ PILOT_CERT_PROVIDER: 'istiod', CLUSTER_ID: 'Kubernetes', REVISION: 'default' },
      GOMAXPROCS: '2',
    },
    args: [
      ...['discovery', '--kubeconfig', cluster.adminKubeconfig, '--httpAddr', `${loopback}:${ports.http}`],
      ...['--monitoringAddr', `${loopback}:${ports.monitoring}`, '--grpcAddr', `${loopback}:${ports.plainXds}`],
      ...['--secureGRPCAddr', `${addresses.node}:${ports.xds}`, '--httpsAddr', `${addresses.node}:${ports.webhooks}`],
    ],
    probe: () => answersHttp(readyUrl),
    stopTimeoutMs: 20_000,
  };
}

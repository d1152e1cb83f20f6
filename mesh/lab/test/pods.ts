import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesList, KubernetesObject, Pod } from '../api/types.ts';
import { requireApi } from '../commands/inside.ts';
import { openLab } from '../folder.ts';
import { runProgram } from '../net/run.ts';

/** One RPC. */
export type Call = {
  /** host:port that is connected to. */
  readonly address: string;
  /** By which the caller's sidecar knows whom it calls. */
  readonly authority: string;
  /** `<contract>/<RPC>`. */
  readonly path: string;
  readonly token?: string;
  /** In base64; empty when absent. */
  readonly message?: string;
};

export type Ending = { readonly code: number; readonly details: string; readonly answer: string };

export const lab = openLab(process.env);
export const api = requireApi(lab);
export const appNamespace = 'oxo-app';
const pollMs = 250;

/** Waits until something is so. @throws Error that says what was not */
export async function until<T>(
  what: string,
  timeoutMs: number,
  work: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await work();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs / 1_000} s`);
    await delay(pollMs);
  }
}

/** Pods with this label `app` that serve. */
export async function podsOf(app: string, namespace = appNamespace): Promise<Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(app.includes('=') ? app : `app=${app}`)}`;
  const { items } = await api.get<KubernetesList<Pod>>(path);
  return items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
  );
}

/** One of them. @throws Error when there is none */
export async function podOf(app: string, namespace = appNamespace): Promise<Pod> {
  const [pod] = await podsOf(app, namespace);
  if (pod === undefined) throw new Error(`no pod of ${app} is ready: ./oxo mesh status`);
  return pod;
}

export function ipOf({ status, metadata }: Pod): string {
  if (status?.podIP === undefined) throw new Error(`pod ${metadata.name} has no address`);
  return status.podIP;
}

type Service = KubernetesObject & { readonly spec: { readonly clusterIP: string } };

/** Where callers in the mesh reach a service. */
export async function serviceAddress(name: string, port: number): Promise<Pick<Call, 'address' | 'authority'>> {
  const { spec } = await api.get<Service>(`/api/v1/namespaces/${appNamespace}/services/${name}`);
  const authority = `${name}.${appNamespace}.svc.cluster.local:${port}`;
  return { address: `${spec.clusterIP}:${port}`, authority };
}

/** Makes calls as a pod: in its network, where its sidecar catches them. */
export async function callAs(pod: Pod, calls: readonly Call[]): Promise<Ending[]> {
  return callIn(lab.names.pod(ipOf(pod)), calls);
}

/** Makes calls from the node, which is not in the mesh. */
export async function callPlainly(calls: readonly Call[]): Promise<Ending[]> {
  return callIn(lab.names.node, calls);
}

async function callIn(namespace: string, calls: readonly Call[]): Promise<Ending[]> {
  const script = join(import.meta.dirname, 'call.ts');
  const args = [`--net=/run/netns/${namespace}`, '--', process.execPath, script];
  const text = await runProgram('nsenter', args, { input: JSON.stringify(calls), timeoutMs: 120_000 });
  return JSON.parse(text) as Ending[];
}

type Deployment = KubernetesObject & {
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
};

export function deploymentPath(name: string): string {
  return `/apis/apps/v1/namespaces/${appNamespace}/deployments/${name}`;
}

/** Resolves when all pods of a Deployment are those of its present template, ready, and the former ones are gone. */
export async function rolledOut(name: string, timeoutMs = 300_000): Promise<void> {
  await until(`the rollout of ${name}`, timeoutMs, async () => {
    const { spec, status, metadata } = await api.get<Deployment>(deploymentPath(name));
    const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status ?? {};
    const isSeen = observedGeneration >= (metadata.generation ?? 0);
    if (!isSeen || [replicas, updatedReplicas, availableReplicas].some((count) => count !== spec.replicas))
      return false;
    // Those that end serve until they are done.
    const { items } = await api.get<KubernetesList<Pod>>(`/api/v1/namespaces/${appNamespace}/pods`);
    return !items.some(
      (pod) => pod.metadata.name.startsWith(`${name}-`) && pod.metadata.deletionTimestamp !== undefined,
    );
  });
}

/** Replaces all pods of a Deployment, as `kubectl rollout restart` does. */
export async function restart(name: string, mark: string): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': mark };
  await api.merge(deploymentPath(name), { spec: { template: { metadata: { annotations } } } });
}

/** So many pods. */
export async function scale(name: string, replicas: number): Promise<void> {
  await api.merge(deploymentPath(name), { spec: { replicas } });
  await rolledOut(name);
}

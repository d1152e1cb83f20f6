import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesList, KubernetesObject, Pod } from '../api/types.ts';
import { requireApi } from '../commands/inside.ts';
import { openLab } from '../folder.ts';
import { runProgram } from '../net/run.ts';

/** One RPC, or one request of HTTP. */
export type Call = {
  /** host:port that is connected to. */
  readonly address: string;
  /** By which the caller's sidecar knows whom it calls. */
  readonly authority: string;
  /** `<contract>/<RPC>`, or the path of HTTP. */
  readonly path: string;
  /** Of HTTP; an RPC has none. */
  readonly method?: 'GET' | 'POST';
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In base64; empty when absent. */
  readonly message?: string;
};

export type Ending = {
  /** Of gRPC; of HTTP its status, or 0 when there was no answer. */
  readonly code: number;
  /** Of gRPC its message; of HTTP how the body begins. */
  readonly details: string;
  /** In base64. */
  readonly answer: string;
};

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

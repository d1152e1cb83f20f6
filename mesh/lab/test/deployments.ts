import type { KubernetesList, KubernetesObject, Pod } from '../api/types.ts';
import { api, appNamespace, until } from './pods.ts';

type Deployment = KubernetesObject & {
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
};

/** @param deployment `name` in our namespace, or `namespace/name` */
function placeOf(deployment: string): { readonly name: string; readonly namespace: string } {
  const [name = '', namespace = appNamespace] = deployment.split('/').reverse();
  return { name, namespace };
}

/** @param deployment `name` in our namespace, or `namespace/name` */
export function deploymentPath(deployment: string): string {
  const { name, namespace } = placeOf(deployment);
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
}

/** Resolves when all pods of a Deployment are those of its present template, ready, and the former ones are gone. */
export async function rolledOut(deployment: string, timeoutMs = 300_000): Promise<void> {
  const { name, namespace } = placeOf(deployment);
  await until(`the rollout of ${deployment}`, timeoutMs, async () => {
    const { spec, status, metadata } = await api.get<Deployment>(deploymentPath(deployment));
    const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status ?? {};
    const isSeen = observedGeneration >= (metadata.generation ?? 0);
    if (!isSeen || [replicas, updatedReplicas, availableReplicas].some((count) => count !== spec.replicas))
      return false;
    // Those that end serve until they are done.
    const { items } = await api.get<KubernetesList<Pod>>(`/api/v1/namespaces/${namespace}/pods`);
    return !items.some(
      (pod) => pod.metadata.name.startsWith(`${name}-`) && pod.metadata.deletionTimestamp !== undefined,
    );
  });
}

/** Replaces all pods of a Deployment, as `kubectl rollout restart` does. */
export async function restart(deployment: string, mark: string): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': mark };
  await api.merge(deploymentPath(deployment), { spec: { template: { metadata: { annotations } } } });
}

/** So many pods. */
export async function scale(deployment: string, replicas: number): Promise<void> {
  await api.merge(deploymentPath(deployment), { spec: { replicas } });
  await rolledOut(deployment);
}

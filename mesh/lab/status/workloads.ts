import type { KubernetesObject } from '../api/types.ts';

type Condition = { readonly type: string; readonly status: string; readonly message?: string };

export type Deployment = KubernetesObject & {
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
};

export type Job = KubernetesObject & { readonly status?: { readonly conditions?: readonly Condition[] } };

/** What a rollout waits for, which no pod tells where there is none: the API server may refuse new ones, and the former ones serve. */
export function problemOfDeployment({ metadata, spec, status }: Deployment): string[] {
  const { replicas = 1 } = spec;
  const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0, conditions = [] } = status ?? {};
  const place = `-n ${metadata.namespace ?? 'default'}`;
  const refusal = conditions.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True');
  if (refusal !== undefined)
    return [
      `deployment ${metadata.name}: no new pod (${refusal.message ?? 'the API server refuses it'}). ./oxo mesh kubectl ${place} describe rs`,
    ];
  if (observedGeneration < (metadata.generation ?? 0))
    return [`deployment ${metadata.name}: its last change is not seen yet. ./oxo mesh logs kube-controller-manager`];
  if (updatedReplicas >= replicas && availableReplicas >= replicas) return [];
  const counts = `of ${replicas} pods ${updatedReplicas} are of its last change, ${availableReplicas} serve`;
  return [`deployment ${metadata.name}: ${counts}. ./oxo mesh kubectl ${place} describe deployment ${metadata.name}`];
}

/** A Job that has given up. */
export function problemOfJob({ metadata, status }: Job): string[] {
  const failure = status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True');
  if (failure === undefined) return [];
  return [`job ${metadata.name} has failed (${failure.message ?? 'without a word'}). ./oxo mesh logs ${metadata.name}`];
}

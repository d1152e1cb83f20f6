import type { Permissions } from '../callers.ts';

const NAMESPACE = 'oxo-app';
export const GRPC_PORT = 50_051;
/** Of auth: its pages and public keys. */
export const HTTP_PORT = 8_081;
const GATEWAY_PORT = 8_080;
const RATELIMIT_PORT = 8_081;
/** RPCs of others that our processes serve: not in our contracts. */
export const FOREIGN = /^envoy\./;

/** A Service's whole name, which no search path changes. */
export function hostOf(service: string): string {
  return `${service}.${NAMESPACE}.svc.cluster.local`;
}

/** The identity of an account, `name` in our namespace or `namespace/name`. */
export function principalOf(account: string): string {
  const [name = '', namespace = NAMESPACE] = account.split('/').reverse();
  return `cluster.local/ns/${namespace}/sa/${name}`;
}

/** Where a workload serves RPCs. */
export const grpcPortOf = (workload: string): number => (workload === 'ratelimit' ? RATELIMIT_PORT : GRPC_PORT);
/** Where a workload serves paths. */
export const httpPortOf = (workload: string): number => (workload === 'gateway' ? GATEWAY_PORT : HTTP_PORT);

/** The ports at which a caller needs a workload. */
export function portsOf(workload: string, { rpcs, paths = [] }: Permissions): number[] {
  return [...(rpcs.length > 0 ? [grpcPortOf(workload)] : []), ...(paths.length > 0 ? [httpPortOf(workload)] : [])];
}

/** A resource of Istio in our namespace. */
export function resource(group: string, kind: string, name: string, spec: object): object {
  return { apiVersion: `${group}.istio.io/v1`, kind, metadata: { name, namespace: NAMESPACE }, spec };
}

export const ofPods = (app: string) => ({ matchLabels: { app } });

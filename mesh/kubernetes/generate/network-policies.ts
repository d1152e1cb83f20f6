import { calleesOf, type Permissions, workloads } from '../../istio/callers.ts';
import { portsOf } from '../../istio/generate/names.ts';
import { render } from './resources.ts';

type Peer = Readonly<Record<string, { readonly matchLabels: Readonly<Record<string, string>> }>>;

/** Who reaches whom, and where: both ends of each call that mesh/istio/callers.ts allows. What else a pod reaches its own file says. */
export function renderNetworkPolicies(): string {
  return render(...Object.keys(workloads).map(networkPolicy));
}

function networkPolicy(name: string): object {
  const callers = Object.entries(workloads[name]?.callers ?? {});
  const ingress = byPorts(callers.map(([caller, permissions]) => [caller, portsOf(name, permissions)]));
  const egress = byPorts(calleesOf(name).map((callee) => [callee, portsOf(callee, permissionsOf(callee, name))]));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name },
    spec: {
      podSelector: { matchLabels: { app: name } },
      policyTypes: ['Ingress', 'Egress'],
      ...(ingress.length > 0 && { ingress: ingress.map(([from, ports]) => ({ from, ports })) }),
      ...(egress.length > 0 && { egress: egress.map(([to, ports]) => ({ to, ports })) }),
    },
  };
}

function permissionsOf(callee: string, caller: string): Permissions {
  return workloads[callee]?.callers[caller] ?? { rpcs: [] };
}

/** Those that have the same ports stand in one rule. */
function byPorts(calls: readonly (readonly [string, readonly number[]])[]): [Peer[], object[]][] {
  const groups = Map.groupBy(calls, ([, ports]) => ports.join());
  return [...groups.values()].map((group) => [
    group.map(([workload]) => peer(workload)),
    (group[0]?.[1] ?? []).map((port) => ({ port, protocol: 'TCP' })),
  ]);
}

/** `name` of our namespace; of another one, `namespace/name`, all of it: its accounts are told apart by the mesh. */
function peer(workload: string): Peer {
  const [first = '', name] = workload.split('/');
  return name === undefined
    ? { podSelector: { matchLabels: { app: first } } }
    : { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': first } } };
}

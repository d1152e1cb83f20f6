import { stringify } from 'yaml';
import { services } from '../../local/services.ts';
import { workloads } from '../callers.ts';
import { authorizationPolicy, requestAuthentication } from './authorization.ts';
import { readRpcs } from './contracts.ts';
import { destinationRule, sidecar, virtualService } from './traffic.ts';

/** The policies of each workload, by the name of its file, and the index of them. @throws Error when a service is in no table */
export function renderPolicies(): Map<string, string> {
  const missing = services.map(({ name }) => name).filter((name) => workloads[name] === undefined);
  if (missing.length > 0)
    throw new Error(`mesh/istio/callers.ts: ${missing} has no entry; add it, then ./oxo generate`);
  const policies = policiesByFile();
  const index = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...policies.keys()].sort(),
  };
  return policies.set('kustomization.yaml', stringify(index));
}

function policiesByFile(): Map<string, string> {
  const rpcs = readRpcs();
  return new Map(
    Object.entries(workloads).map(([name, workload]) => {
      const isCalled = Object.keys(workload.callers).length > 0;
      const resources = [
        ...(isCalled ? [authorizationPolicy(name, workload, rpcs)] : []),
        ...(workload.verifiesTokens ? [requestAuthentication(name)] : []),
        ...(isCalled ? [destinationRule(name)] : []),
        // The way to the front door is the ingress' own (ingress.yaml).
        ...(isCalled && name !== 'gateway' ? [virtualService(name, workload, rpcs)] : []),
        sidecar(name, workload),
      ];
      const texts = resources.map((one) => stringify(one, { aliasDuplicateObjects: false, lineWidth: 0 }));
      return [`${name}.yaml`, texts.join('---\n')];
    }),
  );
}

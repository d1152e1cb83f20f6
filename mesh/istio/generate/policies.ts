import { stringify } from 'yaml';
import { workloads } from '../callers.ts';
import { authorizationPolicy, requestAuthentication } from './authorization.ts';
import { readRpcs } from './contracts.ts';
import { destinationRule, sidecar, virtualService } from './traffic.ts';

/** The policies of each workload, by the name of its file. */
export function renderPolicies(): Map<string, string> {
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

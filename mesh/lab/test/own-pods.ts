import type { Manifest } from '../manifests/apply.ts';
import { appNamespace } from './pods.ts';

/** What a pod of a test differs in from one that is as all of ours are. */
export type OwnPod = {
  readonly name: string;
  readonly namespace?: string;
  readonly account: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What it runs, in Node. */
  readonly code?: string;
  /** Its user on the machine; undefined: nothing says it. */
  readonly user?: number | undefined;
  /** What it says itself of the sidecar that Istio adds. */
  readonly sidecar?: object;
};

/** A pod that keeps to the profile "restricted", with a sidecar that Istio adds. */
export function ownPod(own: OwnPod): Manifest {
  const {
    name,
    namespace = appNamespace,
    account,
    labels,
    annotations = {},
    code = 'setInterval(() => {}, 1000)',
  } = own;
  const user = 'user' in own ? own.user : 10_001;
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels, annotations } },
    spec: {
      serviceAccountName: account,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        ...{ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        ...(user === undefined ? {} : { runAsUser: user, runAsGroup: user }),
      },
      containers: [
        {
          ...{ name: 'app', image: 'oxo', command: ['node', '-e', code] },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
        ...(own.sidecar === undefined ? [] : [{ name: 'istio-proxy', ...own.sidecar }]),
      ],
    },
  } as Manifest;
}

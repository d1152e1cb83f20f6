import { join } from 'node:path';
import type { BuiltPart } from '../../local/parts/built.ts';

const timeoutMs = 60 * 60_000;

/** A branch commit of Istio, which has no releases as modules: 1.31. */
const istio = {
  version: '1.31.0-eed52ebb66ad',
  folder: join(import.meta.dirname, 'istio'),
  tags: ['vtprotobuf', 'disable_pgv'],
  variables: {
    'istio.io/istio/pkg/version.buildVersion': '1.31.0',
    'istio.io/istio/pkg/version.buildGitRevision': 'eed52ebb66ad',
    'istio.io/istio/pkg/version.buildStatus': 'Clean',
  },
  timeoutMs,
};

const kubernetes = {
  version: '1.36.3',
  folder: join(import.meta.dirname, 'kubernetes'),
  variables: {
    'k8s.io/component-base/version.gitVersion': 'v1.36.3',
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': '36',
    'k8s.io/component-base/version.gitTreeState': 'clean',
  },
  timeoutMs,
};

const programOf = (command: string): { name: string; main: string } => ({
  name: command.split('/').at(-1) ?? '',
  main: command,
});

/** What is built from Go modules, the quick ones first. Checks of manifests use some of them without a lab. */
export const builtParts = {
  kubeconform: {
    ...programOf('github.com/yannh/kubeconform/cmd/kubeconform'),
    version: '0.8.0',
    folder: join(import.meta.dirname, 'kubeconform'),
  },
  kustomize: {
    name: 'kustomize',
    version: '5.8.1',
    folder: join(import.meta.dirname, 'kustomize'),
    main: 'sigs.k8s.io/kustomize/kustomize/v5',
  },
  pilotAgent: {
    ...istio,
    ...programOf('istio.io/istio/pilot/cmd/pilot-agent'),
    // What the agent makes Envoy's first configuration of.
    files: [{ module: 'istio.io/istio', path: 'tools/packaging/common/envoy_bootstrap.json' }],
  },
  apiserver: {
    ...kubernetes,
    ...programOf('k8s.io/kubernetes/cmd/kube-apiserver'),
    // What manifests are checked against.
    files: [{ module: 'k8s.io/kubernetes', path: 'api/openapi-spec/swagger.json' }],
  },
  pilotDiscovery: { ...istio, ...programOf('istio.io/istio/pilot/cmd/pilot-discovery') },
  controllerManager: { ...kubernetes, ...programOf('k8s.io/kubernetes/cmd/kube-controller-manager') },
  kubectl: { ...kubernetes, ...programOf('k8s.io/kubernetes/cmd/kubectl') },
  istioctl: {
    ...istio,
    ...programOf('istio.io/istio/istioctl/cmd/istioctl'),
    files: [{ module: 'istio.io/istio', path: 'manifests/charts/base/files/crd-all.gen.yaml' }],
  },
} satisfies Readonly<Record<string, BuiltPart>>;

export type BuiltName = keyof typeof builtParts;

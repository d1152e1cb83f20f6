/**
 * Lets a share of a service's requests go to the next version. First its pods, which are the service's own but for their label, and to which nobody is led
 * yet: `kubectl kustomize OVERLAY | node mesh/istio/canary.ts SERVICE 0 IMAGE` prints what kubectl applies. When they are ready, their share:
 * `node mesh/istio/canary.ts SERVICE PERCENT`; 0 leads everyone back.
 */
import { text } from 'node:stream/consumers';
import { parseAllDocuments, stringify } from 'yaml';
import { messageOf } from '../local/cli/cli-error.ts';
import { workloads } from './callers.ts';
import { readRpcs } from './generate/contracts.ts';
import { virtualService } from './generate/traffic.ts';

interface Deployment {
  kind: string;
  metadata: { name: string };
  spec: {
    replicas?: number;
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: { containers: { image: string }[] } };
  };
}

const VERSION = 'canary';

/** The pods of the next version: another Deployment with another label, whose Service is the same. */
export function canaryDeployment(manifests: string, service: string, image: string): Deployment {
  const documents = parseAllDocuments(manifests).map((document) => document.toJS() as Deployment | null);
  const found = documents.find((one) => one?.kind === 'Deployment' && one.metadata.name === service);
  if (!found) throw new Error(`the manifests have no Deployment ${service}`);
  const { spec, metadata } = found;
  const [container, ...others] = spec.template.spec.containers;
  if (container === undefined) throw new Error(`${service} has no container`);
  spec.replicas = 1;
  spec.selector.matchLabels.version = VERSION;
  spec.template.metadata.labels.version = VERSION;
  spec.template.spec.containers = [{ ...container, image }, ...others];
  return { ...found, metadata: { ...metadata, name: `${service}-${VERSION}` } };
}

/**
 * The way to a service of which so many of a hundred requests go to the next version.
 * @throws Error when there is no such service, its way is not made here, or the share is none
 */
export function canaryRoutes(service: string, percent: number): object {
  const workload = workloads[service];
  if (workload === undefined) throw new Error(`mesh/istio/callers.ts has no ${service}`);
  if (service === 'gateway')
    throw new Error('gateway has no canary: mesh/istio/ingress.yaml leads to it. Roll it out pod by pod');
  if (Object.keys(workload.callers).length === 0) throw new Error(`${service} has no canary: nobody calls it`);
  if (!(Number.isInteger(percent) && percent >= 0 && percent <= 100)) throw new Error('PERCENT must be from 0 to 100');
  return virtualService(service, workload, readRpcs(), percent);
}

async function print([service = '', percent = '', image]: readonly string[]): Promise<void> {
  const share = percent === '' ? Number.NaN : Number(percent);
  let resources = [canaryRoutes(service, share)];
  if (image !== undefined) {
    // Pods that are not there yet would answer their share with 503.
    resources = [canaryDeployment(await text(process.stdin), service, image), canaryRoutes(service, 0)];
    if (share > 0) {
      const ready = `kubectl -n oxo-app rollout status deployment/${service}-${VERSION}`;
      const next = `node mesh/istio/canary.ts ${service} ${share} | kubectl apply -f -`;
      process.stderr.write(`nobody is led to them yet; next: ${ready} && ${next}\n`);
    }
  }
  process.stdout.write(resources.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n'));
}

if (process.argv[1] === import.meta.filename) {
  await print(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  });
}

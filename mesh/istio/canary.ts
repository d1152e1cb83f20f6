/**
 * Lets a share of a service's requests go to the next version: `kubectl kustomize OVERLAY | node mesh/istio/canary.ts SERVICE PERCENT [IMAGE]` prints what
 * kubectl applies. With IMAGE also the pods of that version, which are the service's own but for their label; 0 leads everyone back.
 */
import { text } from 'node:stream/consumers';
import { parseAllDocuments, stringify } from 'yaml';
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

/** The way to a service of which so many of a hundred requests go to the next version. */
export function canaryRoutes(service: string, percent: number): object {
  const workload = workloads[service];
  if (workload === undefined) throw new Error(`mesh/istio/callers.ts has no ${service}`);
  if (!(Number.isInteger(percent) && percent >= 0 && percent <= 100)) throw new Error('PERCENT must be from 0 to 100');
  return virtualService(service, workload, readRpcs(), percent);
}

if (process.argv[1] === import.meta.filename) {
  const [service = '', percent = '', image] = process.argv.slice(2);
  const routes = canaryRoutes(service, percent === '' ? Number.NaN : Number(percent));
  const pods = image === undefined ? [] : [canaryDeployment(await text(process.stdin), service, image)];
  process.stdout.write([...pods, routes].map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n'));
}

/** The manifests as tests read them, without kustomize: the files of the base and what they have in common. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { repositoryRoot } from '../../local/settings.ts';

export const baseFolder = join(repositoryRoot, 'mesh/kubernetes/base');

/** What tests ask of a resource; all else is the cluster's. */
export type Resource = {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: a manifest has as many shapes as there are kinds, and kubeconform checks them.
  readonly spec?: any;
};

/** The resources of a file, with what `./oxo generate` adds to their secrets. @param path from the base */
export function readResources(path: string): Resource[] {
  const documents = parseAllDocuments(readFileSync(join(baseFolder, path), 'utf8'));
  const resources = documents.map((document) => document.toJS() as Resource);
  for (const resource of resources) {
    const patch = join(baseFolder, `generated/${resource.metadata?.name}-secret.patch.yaml`);
    if (resource.kind === 'ExternalSecret' && existsSync(patch)) addTo(resource, parse(readFileSync(patch, 'utf8')));
  }
  return resources;
}

type Addition = { readonly op: 'add'; readonly path: string; readonly value: unknown };

/** As kustomize does with a JSON patch that only adds: to an object by name, to a list at its end. */
function addTo(resource: Resource, additions: readonly Addition[]): void {
  for (const { path, value } of additions) {
    const names = path.split('/').slice(1);
    const last = names.pop() ?? '';
    // biome-ignore lint/suspicious/noExplicitAny: as in Resource.
    const place = names.reduce((at: any, name) => at[name], resource);
    if (last === '-') place.push(value);
    else place[last] = value;
  }
}

/** Who may reach a workload, and whom it reaches: what is made of mesh/istio/callers.ts. */
export function networkPolicyOf(workload: string): Resource {
  const all = readResources('generated/network-policies.yaml');
  return only(
    all.filter(({ metadata }) => metadata.name === workload),
    'NetworkPolicy',
  );
}

/** The resource of a kind in a file that has one of it. */
export function only(resources: readonly Resource[], kind: string): Resource {
  const found = resources.filter((resource) => resource.kind === kind);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${kind}`);
  return found[0];
}

/** Files that a kustomization names, and that lie beside it and hold resources. */
export function indexOf(folder: string): { readonly named: string[]; readonly present: string[] } {
  const resourcesIn = (path: string): string[] => {
    const index = readFileSync(join(folder, path, 'kustomization.yaml'), 'utf8');
    const { resources } = parse(index) as { resources: string[] };
    return resources.flatMap((name) => (name.endsWith('.yaml') ? join(path, name) : resourcesIn(join(path, name))));
  };
  const yamlIn = (path: string) => (existsSync(join(folder, path)) ? readdirSync(join(folder, path)) : []);
  const files = [...yamlIn('.'), ...yamlIn('generated').map((name) => `generated/${name}`)].filter(
    (name) => name.endsWith('.yaml') && !/\.patch\.yaml$|(^|\/)kustomization\.yaml$/.test(name),
  );
  const isResource = (name: string) => /^kind: /m.test(readFileSync(join(folder, name), 'utf8'));
  return { named: resourcesIn('.').sort(), present: files.filter(isResource).sort() };
}

/** `NAME=value` lines of what every service is told. */
export function readCommonSettings(): Record<string, string> {
  const texts = ['common.env', 'generated/addresses.env'].map((name) => readFileSync(join(baseFolder, name), 'utf8'));
  const lines = texts.flatMap((text) => text.trim().split('\n')).filter((line) => !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

type Variable = { readonly name: string; readonly value: string };

/** What a service has by its own file: variables of its container, and those of its secret with something in the place of what is secret. */
export function ownSettings(resources: readonly Resource[]): Record<string, string> {
  const { containers } = only(resources, 'Deployment').spec.template.spec;
  const variables: readonly Variable[] = containers[0].env ?? [];
  const secrets: Readonly<Record<string, string>> = only(resources, 'ExternalSecret').spec.target.template.data;
  return {
    ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    ...Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, fillIn(name, text)])),
  };
}

/** As External Secrets does: 32 bytes in base64, or hex where they stand in a URL or are hashed. */
function fillIn(name: string, template: string): string {
  if (name === 'MAIL_SMTP_URL') return 'smtp://smtp.example:587';
  const plain = template.replaceAll(/\{\{[^}]*sha256sum *\}\}/g, 'a'.repeat(64));
  const whole = /^\{\{[^}]*\}\}$/.test(plain);
  return plain.replaceAll(/\{\{[^}]*\}\}/g, whole ? Buffer.alloc(32, 7).toString('base64') : 'f'.repeat(48));
}

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

/** The resources of a file. @param path from the base */
export function readResources(path: string): Resource[] {
  const documents = parseAllDocuments(readFileSync(join(baseFolder, path), 'utf8'));
  return documents.map((document) => document.toJS() as Resource);
}

/** The resource of a kind in a file that has one of it. */
export function only(resources: readonly Resource[], kind: string): Resource {
  const found = resources.filter((resource) => resource.kind === kind);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${kind}`);
  return found[0];
}

/** Files that a kustomization names, and that lie beside it and hold resources. */
export function indexOf(folder: string): { readonly named: string[]; readonly present: string[] } {
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  const yamlIn = (path: string) => (existsSync(join(folder, path)) ? readdirSync(join(folder, path)) : []);
  const files = [...yamlIn('.'), ...yamlIn('generated').map((name) => `generated/${name}`)].filter(
    (name) => name.endsWith('.yaml') && !/\.patch\.yaml$|^kustomization\.yaml$/.test(name),
  );
  const isResource = (name: string) => /^kind: /m.test(readFileSync(join(folder, name), 'utf8'));
  return { named: [...resources].sort(), present: files.filter(isResource).sort() };
}

/** `NAME=value` lines. */
export function readCommonSettings(): Record<string, string> {
  const lines = readFileSync(join(baseFolder, 'common.env'), 'utf8').trim().split('\n');
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

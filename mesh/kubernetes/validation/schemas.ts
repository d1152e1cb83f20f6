/** JSON schemas as kubeconform reads them, strict: what a kind does not know is an error. Each is whole in itself. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { withLock } from '../../local/machine/lock.ts';
import { fetchModule, type SchemaModule, schemaModules } from './modules.ts';

const LOCK_LIMIT_MS = 10 * 60_000;
const DEFINITION = '#/definitions/';

type Node = { [key: string]: unknown };
type Schemas = Map<string, Node>;

/**
 * The folder of the schemas of all that the manifests hold, made unless it is there; once for all checkouts.
 * @param go the program, for who has not got the modules
 * @throws CliError when a module can't be had
 */
export async function ensureSchemas(cacheDir: string, go: () => Promise<string>): Promise<string> {
  const code = ['schemas.ts', 'modules.ts'].map((name) => readFileSync(join(import.meta.dirname, name)));
  const digest = code
    .reduce((hash, text) => hash.update(text), createHash('sha256'))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cacheDir, 'parts', `schemas-${digest}`);
  if (existsSync(folder)) return folder;
  await mkdir(join(cacheDir, 'parts'), { recursive: true });
  await withLock(folder, LOCK_LIMIT_MS, async () => {
    if (existsSync(folder)) return;
    const fresh = await mkdtemp(`${folder}.new-`);
    try {
      const program = await go();
      const all = await Promise.all(schemaModules.map(async (one) => schemasOf(one, await fetchModule(one, program))));
      for (const [name, schema] of all.flatMap((schemas) => [...schemas])) {
        await writeFile(join(fresh, name), JSON.stringify(schema));
      }
      await rename(fresh, folder);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
  });
  return folder;
}

async function schemasOf({ openApi, crds = [] }: SchemaModule, folder: string): Promise<Schemas> {
  const schemas: Schemas = new Map();
  if (openApi !== undefined) addOpenApi(JSON.parse(await readFile(join(folder, openApi), 'utf8')), schemas);
  for (const path of crds) addCustomResources(await readFile(join(folder, path), 'utf8'), schemas);
  return schemas;
}

/** As kubeconform looks for it: the kind, the first part of its group, its version. */
function fileOf(kind: string, group: string, version: string): string {
  const first = group.split('.')[0] ?? '';
  return `${kind.toLowerCase()}${first === '' ? '' : `-${first}`}-${version}.json`;
}

type GroupVersionKind = { readonly kind: string; readonly group: string; readonly version: string };

function addOpenApi({ definitions }: { definitions: Record<string, Node> }, schemas: Schemas): void {
  for (const definition of Object.values(definitions)) makeStrict(definition);
  const quantity = definitions['io.k8s.apimachinery.pkg.api.resource.Quantity'];
  if (quantity !== undefined) either(quantity, 'string', 'number');
  for (const definition of Object.values(definitions)) {
    const [kind, ...others] = (definition['x-kubernetes-group-version-kind'] as GroupVersionKind[] | undefined) ?? [];
    if (kind === undefined || others.length > 0) continue;
    const needed = needs(definition, definitions);
    schemas.set(fileOf(kind.kind, kind.group, kind.version), { ...definition, definitions: needed });
  }
}

/** The definitions that one leads to, by whatever way. */
function needs(definition: Node, definitions: Record<string, Node>): Record<string, Node> {
  const found: Record<string, Node> = {};
  const waiting = referencesIn(definition);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const target = definitions[name];
    if (target === undefined || found[name] !== undefined) continue;
    found[name] = target;
    waiting.push(...referencesIn(target));
  }
  return found;
}

function referencesIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(referencesIn);
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value.slice(DEFINITION.length)] : referencesIn(value),
  );
}

type CustomResource = {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Node } }[];
  };
};

function addCustomResources(text: string, schemas: Schemas): void {
  for (const document of parseAllDocuments(text)) {
    const resource = document.toJS() as CustomResource | null;
    if (resource?.kind !== 'CustomResourceDefinition') continue;
    const { group, names, versions } = resource.spec;
    for (const { name, schema } of versions) {
      const root = schema.openAPIV3Schema;
      const whole = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
      root.properties = { ...(root.properties as Node), ...whole };
      schemas.set(fileOf(names.kind, group, name), makeStrict(root));
    }
  }
}

/** Forbids what is not named; formats are those of Kubernetes, which a checker does not know. */
function makeStrict(node: Node): Node {
  if (node.properties && node.additionalProperties === undefined && !node['x-kubernetes-preserve-unknown-fields']) {
    node.additionalProperties = false;
  }
  if (node['x-kubernetes-int-or-string'] || node.format === 'int-or-string') either(node, 'string', 'integer');
  delete node.format;
  for (const value of Object.values(node)) strictBelow(value);
  return node;
}

function strictBelow(value: unknown): void {
  if (Array.isArray(value)) value.forEach(strictBelow);
  else if (typeof value === 'object' && value !== null) makeStrict(value as Node);
}

function either(node: Node, ...types: string[]): void {
  for (const key of ['type', 'anyOf', 'pattern']) delete node[key];
  node.oneOf = types.map((type) => ({ type }));
}

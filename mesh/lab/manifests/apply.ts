import { setTimeout as delay } from 'node:timers/promises';
import { CliError, messageOf } from '../../local/cli/cli-error.ts';
import { type Api, ApiError } from '../api/client.ts';
import type { KubernetesObject } from '../api/types.ts';

/** An object with its kind, as a manifest has it. */
export type Manifest = KubernetesObject & { readonly apiVersion: string; readonly kind: string };

type Resource = { readonly name: string; readonly namespaced: boolean };

const attempts = 60;
const retryMs = 500;

/** What others need comes first. */
const order = ['Namespace', 'CustomResourceDefinition', 'ServiceAccount', 'Secret', 'ConfigMap', 'Service'];

/** Applies manifests to one API server. */
export type Applier = {
  /**
   * @returns kinds that this API server does not know, whose objects were left out
   * @throws CliError that names each object that was refused, and why
   */
  readonly apply: (manifests: readonly Manifest[]) => Promise<string[]>;
  /** The path of an object, or undefined when its kind is not known. */
  readonly pathOf: (manifest: Manifest) => Promise<string | undefined>;
};

export function createApplier(api: Api): Applier {
  const known = new Map<string, ReadonlyMap<string, Resource>>();
  const resourcesOf = async (apiVersion: string): Promise<ReadonlyMap<string, Resource>> => {
    const kept = known.get(apiVersion);
    if (kept !== undefined) return kept;
    const found = await discover(api, apiVersion);
    if (found.size > 0) known.set(apiVersion, found);
    return found;
  };
  const pathOf = async ({ apiVersion, kind, metadata }: Manifest): Promise<string | undefined> => {
    const resource = (await resourcesOf(apiVersion)).get(kind);
    if (resource === undefined) return undefined;
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${rootOf(apiVersion)}${namespace}/${resource.name}/${metadata.name}`;
  };
  return {
    pathOf,
    apply: async (manifests) => {
      const refused: string[] = [];
      const unknown = new Set<string>();
      for (const manifest of inOrder(manifests)) {
        try {
          if (!(await applyOne(api, manifest, pathOf))) unknown.add(`${manifest.kind} (${manifest.apiVersion})`);
          else if (manifest.kind === 'CustomResourceDefinition') known.clear();
        } catch (error) {
          refused.push(`${manifest.kind} ${manifest.metadata.name}: ${messageOf(error)}`);
        }
      }
      if (refused.length > 0) throw new CliError('the API server refuses manifests', { advice: refused });
      return [...unknown].sort();
    },
  };
}

/** Webhooks and definitions that have just been made need a moment. @returns whether its kind is known */
async function applyOne(
  api: Api,
  manifest: Manifest,
  pathOf: (manifest: Manifest) => Promise<string | undefined>,
): Promise<boolean> {
  const path = await pathOf(manifest);
  if (path === undefined) return false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await api.apply(path, manifest);
      return true;
    } catch (error) {
      if (attempt === attempts || !isPassing(error)) throw error;
      await delay(retryMs);
    }
  }
}

/** What another try may cure: a webhook or a kind that is only just coming, a server that is busy. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  return error.status === 404 || error.status === 409 || error.status === 429 || error.status >= 500;
}

function inOrder(manifests: readonly Manifest[]): Manifest[] {
  const place = ({ kind }: Manifest): number => (order.includes(kind) ? order.indexOf(kind) : order.length);
  return manifests.toSorted((a, b) => place(a) - place(b));
}

async function discover(api: Api, apiVersion: string): Promise<ReadonlyMap<string, Resource>> {
  try {
    const { resources } = await api.get<{ resources: readonly (Resource & { kind: string })[] }>(rootOf(apiVersion));
    const whole = resources.filter(({ name }) => !name.includes('/'));
    return new Map(whole.map(({ kind, name, namespaced }) => [kind, { name, namespaced }]));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return new Map();
    throw error;
  }
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { productionLimits, renderRateLimits } from '../../../gateway/envoy/render.ts';
import { renderPolicies } from '../../istio/generate/policies.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { renderObservability } from '../../observability/generate/render.ts';
import { renderAddresses } from './addresses.ts';
import { renderNatsConfig, renderNatsPasswords } from './nats.ts';
import { renderNetworkPolicies } from './network-policies.ts';
import { renderRedisAcls } from './redis.ts';
import { renderSecretHashes, renderServicePasswords } from './secrets.ts';

const MADE = '# Made by ./oxo generate. Do not edit.\n';

/** By path: what the manifests have from the code. */
async function renderManifests(): Promise<Map<string, string>> {
  return new Map([
    ['mesh/kubernetes/base/generated/addresses.env', renderAddresses()],
    ['mesh/kubernetes/base/generated/auth-secret.patch.yaml', renderSecretHashes()],
    ['mesh/kubernetes/base/generated/migrate-secret.patch.yaml', renderServicePasswords()],
    ['mesh/kubernetes/base/generated/network-policies.yaml', renderNetworkPolicies()],
    ['mesh/kubernetes/base/generated/ratelimit.yaml', renderRateLimits(productionLimits)],
    ['mesh/kubernetes/base/infra/generated/nats.conf', await renderNatsConfig()],
    ['mesh/kubernetes/base/infra/generated/nats-passwords.yaml', renderNatsPasswords()],
    ['mesh/kubernetes/base/infra/generated/redis-acl.yaml', renderRedisAcls()],
    ...[...renderPolicies()].map(([name, text]) => [`mesh/istio/generated/${name}`, text] as const),
    ...renderObservability(),
  ]);
}

/**
 * Makes the parts of the manifests that the code knows: users and rights of NATS and Redis, limits, policies of the mesh; rules and dashboards.
 * What lies beside them and is not made any more is deleted.
 * @param options.check writes nothing
 * @returns the files that were, or would be, written or deleted
 */
export async function generateManifests({ check = false } = {}): Promise<string[]> {
  const changed: string[] = [];
  const made = await renderManifests();
  for (const folder of new Set([...made.keys()].map(dirname))) {
    const present = await readdir(join(repositoryRoot, folder), { withFileTypes: true }).catch(() => []);
    const files = present.filter((entry) => entry.isFile());
    const stale = files.map(({ name }) => join(folder, name)).filter((path) => !made.has(path));
    changed.push(...stale);
    if (!check) await Promise.all(stale.map((path) => rm(join(repositoryRoot, path))));
  }
  for (const [path, text] of made) {
    const file = join(repositoryRoot, path);
    // JSON has no comments.
    const wanted = path.endsWith('.json') ? text : `${MADE}${text}`;
    if ((await readFile(file, 'utf8').catch(() => undefined)) === wanted) continue;
    changed.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, wanted);
  }
  return changed;
}

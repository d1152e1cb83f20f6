/** A share of a service's requests goes to the next version, then all of it comes back, while people write and read. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { canaryDeployment, canaryRoutes } from '../../istio/canary.ts';
import { createApplier, type Manifest } from '../manifests/apply.ts';
import { buildOverlay } from '../manifests/overlay.ts';
import { findPrograms } from '../parts/ensure.ts';
import { upstreamHosts } from '../status/certificates.ts';
import { deploymentPath, rolledOut } from './deployments.ts';
import { startLoad } from './load.ts';
import { api, ipOf, lab, podOf, podsOf, until } from './pods.ts';

const service = 'user';
const canary = `${service}-canary`;
const callers = ['gateway', 'post', 'feed'];

after(async () => {
  await route(0);
  await api.remove(deploymentPath(canary)).catch(() => {});
});

async function route(percent: number): Promise<void> {
  await createApplier(api).apply([canaryRoutes(service, percent) as Manifest]);
}

/**
 * Requests that callers have sent to a pod. Counted by them, since the pod's own Envoy may hold two hosts of one address, made by
 * two of its threads at once, and tells of one.
 */
async function requestsTo(ip: string): Promise<number> {
  let sum = 0;
  for (const caller of callers) {
    const hosts = await upstreamHosts(lab.names.pod(ipOf(await podOf(caller))));
    const ours = hosts.filter(
      ({ cluster, address }) => cluster.includes(`|${service}.`) && address.startsWith(`${ip}:`),
    );
    sum += ours.reduce((total, { requests }) => total + requests, 0);
  }
  return sum;
}

test('a share of the requests goes to the next version, and back', async (context) => {
  const built = (await buildOverlay(await findPrograms(lab.cacheDir))) ?? [];
  const text = built.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n');
  await createApplier(api).apply([canaryDeployment(text, service, 'oxo') as unknown as Manifest]);
  await rolledOut(canary);
  const pods = await podsOf(service);
  const ipWith = (version: string) => {
    const pod = pods.find(({ metadata }) => metadata.labels?.version === version);
    assert.ok(pod, `a pod of ${version}`);
    return ipOf(pod);
  };
  const [stableIp, canaryIp] = [ipWith('v1'), ipWith('canary')];
  const load = await startLoad();
  try {
    const before = await requestsTo(canaryIp);
    await route(50);
    await until('the next version is asked', 60_000, async () => (await requestsTo(canaryIp)) > before + 10);
    await route(0);
    // Sidecars hear of it within a moment; from then on nobody asks it.
    await until('the next version is asked no more', 60_000, async () => {
      const [canaryBefore, stableBefore] = [await requestsTo(canaryIp), await requestsTo(stableIp)];
      await until('the load runs on', 30_000, async () => (await requestsTo(stableIp)) > stableBefore + 10);
      return (await requestsTo(canaryIp)) === canaryBefore;
    });
  } finally {
    context.diagnostic(`${await load.stop()} requests`);
  }
});

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

after(async () => {
  await route(0);
  await api.remove(deploymentPath(canary)).catch(() => {});
});

async function route(percent: number): Promise<void> {
  await createApplier(api).apply([canaryRoutes(service, percent) as Manifest]);
}

/** Requests that the sidecar of a pod has taken in for its service. */
async function requestsAt(ip: string): Promise<number> {
  const hosts = await upstreamHosts(lab.names.pod(ip));
  const inbound = hosts.filter(({ cluster }) => cluster === 'inbound|50051||');
  return inbound.reduce((sum, { requests }) => sum + requests, 0);
}

/** Which pods of the service a caller knows, and how often it has asked each: for whoever must find out why. */
async function knownTo(caller: string): Promise<string> {
  const hosts = await upstreamHosts(lab.names.pod(ipOf(await podOf(caller))));
  const ours = hosts.filter(({ cluster }) => cluster.includes(`|${service}.`));
  return ours.map(({ cluster, address, requests }) => `${cluster} ${address} ${requests}`).join(', ');
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
    const before = await requestsAt(canaryIp);
    await route(50);
    const isAsked = async () => (await requestsAt(canaryIp)) > before + 10;
    await until('the next version is asked', 60_000, isAsked).catch(async (error: unknown) => {
      for (const caller of ['gateway', 'post', 'feed']) context.diagnostic(`${caller}: ${await knownTo(caller)}`);
      throw error;
    });
    await route(0);
    // Sidecars hear of it within a moment; from then on nobody asks it.
    await until('the next version is asked no more', 60_000, async () => {
      const [canaryBefore, stableBefore] = [await requestsAt(canaryIp), await requestsAt(stableIp)];
      await until('the load runs on', 30_000, async () => (await requestsAt(stableIp)) > stableBefore + 10);
      return (await requestsAt(canaryIp)) === canaryBefore;
    });
  } finally {
    context.diagnostic(`${await load.stop()} requests`);
  }
});

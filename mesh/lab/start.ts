import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../local/cli/cli-error.ts';
import { createGroup, logPathOf, type ProcessGroup } from '../local/supervisor/group.ts';
import { defaultLiveness } from '../local/supervisor/liveness.ts';
import { appendLog } from '../local/supervisor/log-file.ts';
import { defaultBackoff } from '../local/supervisor/process.ts';
import { createRecorder, type Recorder } from '../local/supervisor/recorder.ts';
import { type Api, connectApi } from './api/client.ts';
import type { KubernetesList, Pod } from './api/types.ts';
import { applyInstallation, istiod, renderInstallation } from './control-plane/istiod.ts';
import { apiserver, type Cluster, controllerManager, etcd, makeCluster } from './control-plane/kubernetes.ts';
import type { Lab } from './folder.ts';
import { labImages } from './kubelet/images.ts';
import { type Kubelet, startKubelet } from './kubelet/kubelet.ts';
import { createApplier } from './manifests/apply.ts';
import { certificatesOfGateways } from './manifests/gateways.ts';
import { applyOverlay, buildOverlay } from './manifests/overlay.ts';
import { startNameServer } from './net/dns.ts';
import { addresses } from './net/names.ts';
import type { LabPrograms } from './parts/ensure.ts';
import { secretObjects, stateObjects } from './state/objects.ts';
import { type Servers, startServers } from './state/servers.ts';
import { problemsOf } from './status/problems.ts';

/** A lab that runs, owned by this process. */
export type RunningLab = { readonly stop: () => Promise<void> };

/** What has been started, to be stopped. */
type Parts = { kubelet?: Kubelet; servers?: Servers; api?: Api; names?: { stop: () => void } };

const nodeName = 'lab';
const podsTimeoutMs = 300_000;
const pollMs = 500;
const tiers = { etcd: 0, apiserver: 1, controllers: 2 };

/**
 * Starts everything in this process, which is in the node's network namespace, and returns when all pods are ready, or can't be.
 * @throws CliError that says what of the control plane did not start; nothing is left running then
 */
export async function startLab(lab: Lab, programs: LabPrograms, signal: AbortSignal): Promise<RunningLab> {
  const about = { portBase: 0, publicUrl: '', replicas: 1, own: {} };
  const recorder = createRecorder(lab.dir, about);
  const group = createGroup(recorder, {
    stateDir: lab.dir,
    logDir: lab.logDir,
    backoff: defaultBackoff,
    liveness: defaultLiveness,
  });
  const parts: Parts = {};
  const stop = async (): Promise<void> => {
    recorder.phase('stopping');
    await parts.kubelet?.stop();
    await Promise.all([group.stop(), parts.servers?.stop()]);
    parts.api?.close();
    parts.names?.stop();
    recorder.phase('stopped');
  };
  try {
    const starting = { recorder, group, signal, parts };
    const started = await startAll(lab, programs, starting);
    // What pods lack is found out by looking at them, so they go on.
    await runPods(programs, started, starting).then(() => recorder.phase('running'), recorder.failed);
    return { stop };
  } catch (error) {
    await stop();
    recorder.failed(error);
    throw error;
  }
}

type Starting = {
  readonly recorder: Recorder;
  readonly group: ProcessGroup;
  readonly signal: AbortSignal;
  readonly parts: Parts;
};

/** What pods need. */
type Started = { readonly cluster: Cluster; readonly servers: Servers; readonly api: Api };

async function startAll(lab: Lab, programs: LabPrograms, starting: Starting): Promise<Started> {
  const { recorder, signal, parts } = starting;
  const { step } = recorder;
  parts.names = await startNameServer(addresses.dns);
  const cluster = await step('certificates', () => makeCluster(lab));
  const [servers] = await Promise.all([
    step('servers outside the mesh', () => startServers(lab, () => {}, signal)),
    startControlPlane(lab, programs, cluster, starting),
  ]);
  parts.servers = servers;
  signal.throwIfAborted();
  const api = connectApi(cluster.access);
  parts.api = api;
  const say = (text: string): void =>
    appendLog(logPathOf(lab.logDir, 'kubelet'), `${new Date().toISOString()} ${text}\n`);
  parts.kubelet = await step('node', () =>
    startKubelet({ ...{ api, names: lab.names, nodeName, programs, images: labImages(programs), say } }, lab.podsDir),
  );
  return { cluster, servers, api };
}

async function runPods(programs: LabPrograms, { cluster, servers, api }: Started, starting: Starting): Promise<void> {
  const { recorder, signal } = starting;
  await recorder.step('manifests', () => applyManifests(programs, cluster, { api, servers }));
  await recorder.step('pods', () => untilReady(api, signal));
}

async function startControlPlane(
  lab: Lab,
  programs: LabPrograms,
  cluster: Cluster,
  { recorder: { step }, group }: Starting,
): Promise<void> {
  const rendering = renderInstallation(programs);
  // Whoever waits for it says so; until then it is nobody's.
  rendering.catch(() => {});
  await step('etcd', () => group.start(etcd(lab, programs), tiers.etcd));
  await step('kube-apiserver', () => group.start(apiserver(lab, programs, cluster), tiers.apiserver));
  await Promise.all([
    step('kube-controller-manager', () => group.start(controllerManager(lab, programs, cluster), tiers.controllers)),
    (async () => {
      const installation = await rendering;
      const api = connectApi(cluster.access);
      await step('Istio', () => applyInstallation(api, installation)).finally(api.close);
      await step('istiod', async () =>
        group.start(await istiod(lab, programs, cluster, installation), tiers.controllers),
      );
    })(),
  ]);
}

async function applyManifests(
  programs: LabPrograms,
  { authority }: Cluster,
  { api, servers }: { readonly api: Api; readonly servers: Servers },
): Promise<string> {
  const built = await buildOverlay(programs);
  const own = [...stateObjects(), ...secretObjects(servers.stack)];
  if (built === undefined) return 'mesh/kubernetes has no overlay for the lab: there is nothing to run';
  // Secrets need their namespaces, and nothing that runs may come before its Secrets.
  const namespaces = built.filter(({ kind }) => kind === 'Namespace');
  const applier = createApplier(api);
  await applier.apply([...namespaces, ...own, ...(await certificatesOfGateways(built, authority))]);
  const unknown = await applyOverlay(api, built, () => {});
  const objects = `${built.length} objects`;
  return unknown.length === 0 ? objects : `${objects}, but none of ${unknown.join(', ')}`;
}

/** Every pod is ready, or has done its work. */
async function untilReady(api: Api, signal: AbortSignal): Promise<string> {
  const deadlineMs = performance.now() + podsTimeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const { items } = await api.get<KubernetesList<Pod>>('/api/v1/pods');
    const waiting = items.filter((pod) => !isReady(pod));
    if (waiting.length === 0) return `${items.length} ready`;
    if (performance.now() > deadlineMs) {
      const problems = waiting.flatMap((pod) => problemsOf(pod));
      throw new CliError(`${waiting.length} of ${items.length} pods are not ready in ${podsTimeoutMs / 1_000} s`, {
        advice: problems.length > 0 ? problems : waiting.map(({ metadata }) => `./oxo mesh logs ${metadata.name}`),
      });
    }
    await delay(pollMs);
  }
}

/** Whether a pod serves, or has done its work. */
function isReady({ status }: Pod): boolean {
  if (status?.phase === 'Succeeded') return true;
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

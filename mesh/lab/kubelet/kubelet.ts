import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../local/cli/cli-error.ts';
import type { KubernetesObject, Pod, WatchEvent } from '../api/types.ts';
import { addresses, createAddressPool } from '../net/names.ts';
import type { PodContext } from './context.ts';
import { graceOf, type RunningPod, startPod } from './pod.ts';

/** What stands in for kubelet and scheduler: it binds pods to the one node, runs them, and ends them. */
export type Kubelet = {
  readonly stop: () => Promise<void>;
};

const podsPath = '/api/v1/pods';

/**
 * @param podsDir a folder a pod is made there
 */
export async function startKubelet(context: PodContext, podsDir: string): Promise<Kubelet> {
  mkdirSync(podsDir, { recursive: true, mode: 0o755 });
  await registerNode(context);
  const stopping = new AbortController();
  const pool = createAddressPool();
  const running = new Map<string, RunningPod>();
  const binding = new Set<string>();

  const begin = (pod: Pod, uid: string): void => {
    const ip = pool.take();
    const { namespace, name } = pod.metadata;
    const started = startPod(pod, ip, join(podsDir, `${namespace}.${name}`), context);
    running.set(uid, started);
    context.say(`pod ${namespace}/${name} runs at ${ip}`);
    void started.gone.then(() => {
      running.delete(uid);
      pool.give(ip);
      context.say(`pod ${namespace}/${name} is gone`);
    });
  };
  const bind = async ({ metadata: { namespace, name } }: Pod, uid: string): Promise<void> => {
    const target = { apiVersion: 'v1', kind: 'Node', name: context.nodeName };
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    await context.api
      .create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, body)
      .catch((error: unknown) => context.say(`pod ${namespace}/${name} can't be bound: ${messageOf(error)}`))
      .finally(() => binding.delete(uid));
  };
  const onEvent = ({ type, object: pod }: WatchEvent<Pod>): void => {
    const { uid = '', deletionTimestamp } = pod.metadata;
    const known = running.get(uid);
    if (type === 'DELETED') {
      void known?.terminate(0);
    } else if (deletionTimestamp !== undefined) {
      if (known !== undefined) void known.terminate(graceOf(pod));
      else if (!binding.has(uid)) void forget(context, pod);
    } else if (pod.spec.nodeName === undefined) {
      if (binding.has(uid)) return;
      binding.add(uid);
      void bind(pod, uid);
    } else if (known === undefined && pod.spec.nodeName === context.nodeName && !isOver(pod)) {
      begin(pod, uid);
    }
  };
  const following = context.api.follow<Pod>(podsPath, { onEvent }, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all([...running.values()].map((pod) => pod.kill()));
      await following;
    },
  };
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** One that was deleted before it ran. */
async function forget({ api }: PodContext, { metadata: { namespace, name } }: Pod): Promise<void> {
  await api.remove(`/api/v1/namespaces/${namespace}/pods/${name}`, 0).catch(() => {});
}

/** Pods that are bound to a node that is not there are swept away. */
async function registerNode({ api, nodeName }: PodContext): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    'topology.kubernetes.io/zone': 'lab',
  };
  const node: KubernetesObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, labels } };
  await api.apply(`/api/v1/nodes/${nodeName}`, node);
  const heartbeat = { lastHeartbeatTime: new Date().toISOString(), lastTransitionTime: new Date().toISOString() };
  const capacity = { cpu: '64', memory: '256Gi', pods: '250' };
  await api.merge(`/api/v1/nodes/${nodeName}/status`, {
    status: {
      ...{ capacity, allocatable: capacity },
      addresses: [{ type: 'InternalIP', address: addresses.node }],
      conditions: [
        { type: 'Ready', status: 'True', reason: 'LabReady', message: 'pods are run by the lab', ...heartbeat },
      ],
    },
  });
}

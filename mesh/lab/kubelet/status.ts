import type { Container, ContainerStatus, Pod, PodPhase, PodStatus } from '../api/types.ts';

/** What the status of a pod is made of. */
export type PodFacts = {
  readonly podIp: string;
  readonly hostIp: string;
  readonly startTime: string;
  /** Of init containers that ran to their end, and of sidecars. */
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  /** Whether all init containers are done. */
  readonly isInitialized: boolean;
  readonly isTerminating: boolean;
};

type Condition = NonNullable<PodStatus['conditions']>[number];

/** An init container that runs beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/**
 * The status of a pod as the kubelet would write it.
 * @param before conditions that are as they were keep their time
 * @param nowIso when it is written
 */
export function statusOf(pod: Pod, facts: PodFacts, before: readonly Condition[], nowIso: string): PodStatus {
  const { init, main, isInitialized } = facts;
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const serving = [...init.filter(({ name }) => sidecars.has(name)), ...main];
  const phase = phaseOf(facts);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const allReady = isInitialized && !isOver && serving.every(({ ready }) => ready);
  const truths: readonly (readonly [string, boolean])[] = [
    ['PodScheduled', true],
    ['PodReadyToStartContainers', true],
    ['Initialized', isInitialized],
    ['ContainersReady', allReady],
    ['Ready', allReady && !facts.isTerminating],
  ];
  const conditions = truths.map(([type, isTrue]): Condition => {
    const status = isTrue ? 'True' : 'False';
    const same = before.find((one) => one.type === type && one.status === status);
    return same ?? { type, status, lastTransitionTime: nowIso };
  });
  const { podIp, hostIp, startTime } = facts;
  return {
    ...{ phase, podIP: podIp, startTime, conditions },
    ...{ hostIP: hostIp, hostIPs: [{ ip: hostIp }], podIPs: [{ ip: podIp }] },
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
  };
}

/** Over when every container has ended for good: failed if one of them did. */
export function phaseOf({ init, main, isInitialized }: Pick<PodFacts, 'init' | 'main' | 'isInitialized'>): PodPhase {
  const endings = main.map(({ state }) => ('terminated' in state ? state.terminated.exitCode : undefined));
  if (!isInitialized) {
    const failed = init.some(({ state }) => 'terminated' in state && state.terminated.exitCode !== 0);
    return failed ? 'Failed' : 'Pending';
  }
  if (endings.every((code) => code !== undefined)) return endings.every((code) => code === 0) ? 'Succeeded' : 'Failed';
  const hasRun = ({ state, lastState = {} }: ContainerStatus): boolean =>
    'running' in state || 'terminated' in state || 'terminated' in lastState;
  return main.some(hasRun) ? 'Running' : 'Pending';
}

import type { ContainerStatus, Pod } from '../api/types.ts';

/** What is wrong with a pod, with the next step; nothing when it is well. */
export function problemsOf({ metadata, status }: Pod): string[] {
  const { phase, message, initContainerStatuses = [], containerStatuses = [] } = status ?? {};
  if (phase === 'Succeeded') return [];
  const own = phase === 'Failed' && message !== undefined ? [`${metadata.name}: ${message}`] : [];
  const ofContainers = [...initContainerStatuses, ...containerStatuses].flatMap((one) => problemOf(metadata.name, one));
  return [...own, ...ofContainers];
}

function problemOf(pod: string, { name, state, lastState, ready, restartCount }: ContainerStatus): string[] {
  const logs = `./oxo mesh logs ${pod} ${name}`;
  if ('waiting' in state) {
    const { reason, message } = state.waiting;
    if (reason === 'PodInitializing') return [];
    const ended =
      lastState !== undefined && 'terminated' in lastState ? `, exit code ${lastState.terminated.exitCode}` : '';
    return [`${pod}: ${name} waits (${reason}${message === undefined ? '' : `: ${message}`}${ended}). ${logs}`];
  }
  if ('terminated' in state && state.terminated.exitCode !== 0)
    return [`${pod}: ${name} has ended with exit code ${state.terminated.exitCode}. ${logs}`];
  if ('running' in state && !ready)
    return [`${pod}: ${name} runs but is not ready (restarted ${restartCount} times). ${logs}`];
  return [];
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerState, ContainerStatus, Pod } from '../api/types.ts';
import { type PodFacts, phaseOf, statusOf } from './status.ts';

const running: ContainerState = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const waiting: ContainerState = { waiting: { reason: 'PodInitializing' } };
const ended = (exitCode: number): ContainerState => ({
  terminated: { exitCode, reason: 'x', startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:01Z' },
});
const container = (name: string, state: ContainerState, ready = false): ContainerStatus => ({
  ...{ name, image: 'oxo', imageID: 'lab://oxo', ready, started: ready, restartCount: 0, state },
});
const pod: Pod = {
  metadata: { name: 'p', namespace: 'n' },
  spec: {
    initContainers: [
      { name: 'setup', image: 'oxo' },
      { name: 'sidecar', image: 'oxo', restartPolicy: 'Always' },
    ],
    containers: [{ name: 'app', image: 'oxo' }],
  },
};

function facts(app: ContainerStatus, sidecarReady: boolean, isTerminating = false): PodFacts {
  const init = [container('setup', ended(0)), container('sidecar', running, sidecarReady)];
  const about = { podIp: '10.88.1.1', hostIp: '10.88.0.1', startTime: '2026-01-01T00:00:00Z', isInitialized: true };
  return { ...about, init, main: [app], isTerminating };
}

const isTrue = (status: ReturnType<typeof statusOf>, type: string): boolean =>
  status.conditions?.find((one) => one.type === type)?.status === 'True';

test('a pod is ready when its containers are, and the sidecar too', () => {
  const ready = (app: boolean, sidecar: boolean, isTerminating = false) =>
    isTrue(statusOf(pod, facts(container('app', running, app), sidecar, isTerminating), [], 't'), 'Ready');
  assert(ready(true, true));
  assert(!ready(false, true));
  assert(!ready(true, false));
  assert(!ready(true, true, true), 'one that ends serves no more');
});

test('a condition that stays keeps the time since when', () => {
  const first = statusOf(pod, facts(container('app', running), true), [], 'first');
  const second = statusOf(pod, facts(container('app', running, true), true), first.conditions ?? [], 'second');
  const timeOf = (type: string) => second.conditions?.find((one) => one.type === type)?.lastTransitionTime;
  assert.equal(timeOf('PodScheduled'), 'first');
  assert.equal(timeOf('Ready'), 'second');
});

test('a pod is over when its own containers are, whatever runs beside them', () => {
  const phase = (...states: ContainerState[]) =>
    phaseOf({
      ...{ init: [container('sidecar', running)], isInitialized: true },
      main: states.map((state, index) => container(`c${index}`, state)),
    });
  assert.equal(phase(running), 'Running');
  assert.equal(phase(ended(0)), 'Succeeded');
  assert.equal(phase(ended(0), running), 'Running');
  assert.equal(phase(ended(0), ended(3)), 'Failed');
  assert.equal(phase(waiting), 'Pending');
  const again = { ...container('app', waiting), lastState: ended(1) };
  assert.equal(phaseOf({ init: [], main: [again], isInitialized: true }), 'Running', 'it waits to be started again');
});

test('an init container that fails for good fails its pod', () => {
  const phase = (state: ContainerState) =>
    phaseOf({ init: [container('setup', state)], main: [container('app', waiting)], isInitialized: false });
  assert.equal(phase(running), 'Pending');
  assert.equal(phase(ended(1)), 'Failed');
  const { conditions } = statusOf(
    pod,
    { ...facts(container('app', waiting), false), isInitialized: false, init: [container('setup', running)] },
    [],
    't',
  );
  assert.equal(conditions?.find(({ type }) => type === 'Initialized')?.status, 'False');
});

import { chmodSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../local/cli/cli-error.ts';
import { isNotFound } from '../api/client.ts';
import type { Container, Pod } from '../api/types.ts';
import { addresses } from '../net/names.ts';
import { makePodNetwork, removeNamespace } from '../net/network.ts';
import { createContainer, type RestartPolicy, type RunningContainer } from './container.ts';
import type { PodContext } from './context.ts';
import { environmentOf, MissingError } from './environment.ts';
import { writeEtc } from './etc.ts';
import { ContainerConfigError, foldersOf, type PlannedContainer, type PodFolders, planContainer } from './plan.ts';
import { createPodVolumes, type PodVolumes } from './pod-volumes.ts';
import { redirectTraffic } from './redirect.ts';
import { isSidecar, statusOf } from './status.ts';
import { createStatusWriter, type StatusWriter } from './status-writer.ts';

/** A pod that runs, or is over. */
export type RunningPod = {
  readonly pod: Pod;
  readonly ip: string;
  /** Ends it within its grace period, and takes it out of the API. Can be called again. */
  readonly terminate: (graceSeconds: number) => Promise<void>;
  /** Ends it at once and says nothing to the API: the lab goes down. */
  readonly kill: () => Promise<void>;
  readonly gone: Promise<void>;
};

const defaultGraceSeconds = 30;
const removalAttempts = 20;
const removalPauseMs = 500;
/** Sidecars have at least this to end, also when the others used up the time. */
const sidecarGraceMs = 2_000;

/** One pod, as its parts see it. */
type PodRun = {
  readonly pod: Pod;
  readonly ip: string;
  readonly path: string;
  readonly folders: PodFolders;
  readonly context: PodContext;
  readonly volumes: PodVolumes;
  readonly writer: StatusWriter;
  readonly init: readonly { readonly container: Container; readonly running: RunningContainer }[];
  readonly main: readonly RunningContainer[];
  readonly state: { isInitialized: boolean; isTerminating: boolean };
};

/**
 * Runs a pod: its network, its volumes, init containers one after the other, then the rest.
 * @param dir of its own, empty
 */
export function startPod(pod: Pod, ip: string, dir: string, context: PodContext): RunningPod {
  const run = prepare(pod, ip, foldersOf(dir), context);
  const gone = Promise.withResolvers<void>();
  const begun = begin(run).catch((error: unknown) => {
    context.say(`pod ${pod.metadata.namespace}/${pod.metadata.name} can't be run: ${messageOf(error)}`);
    run.writer.fail('FailedCreatePodSandBox', messageOf(error));
  });
  let ending: Promise<void> | undefined;
  return {
    ...{ pod, ip, gone: gone.promise },
    terminate: (graceSeconds) => {
      ending ??= end(run, graceSeconds, begun)
        .then(() => run.writer.flush())
        .then(() => takeOut(run))
        .then(() => rm(dir, { recursive: true, force: true }))
        .finally(() => gone.resolve());
      return ending;
    },
    kill: async () => {
      run.writer.stop();
      ending ??= end(run, 0, begun);
      await Promise.race([ending, delay(sidecarGraceMs * 2, undefined, { ref: false })]);
      await removeNamespace(context.names.pod(ip)).catch(() => {});
      gone.resolve();
    },
  };
}

function prepare(pod: Pod, ip: string, folders: PodFolders, context: PodContext): PodRun {
  const { spec, metadata } = pod;
  mkdirSync(folders.logs, { recursive: true, mode: 0o755 });
  chmodSync(folders.dir, 0o755);
  const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
  const volumes = createPodVolumes(pod, folders, context, { podIp: ip });
  const startTime = new Date().toISOString();
  const state = { isInitialized: false, isTerminating: false };
  const make = (container: Container, restartPolicy: RestartPolicy): RunningContainer =>
    createContainer({
      ...{ container, podIp: ip, restartPolicy, onChange: () => writer.write() },
      logPath: join(folders.logs, `${container.name}.log`),
      plan: () => plan(pod, ip, container, { folders, context, volumes }),
    });
  const policy = spec.restartPolicy ?? 'Always';
  const init = (spec.initContainers ?? []).map((container) => ({
    container,
    running: make(container, isSidecar(container) ? 'Always' : policy === 'Never' ? 'Never' : 'OnFailure'),
  }));
  const main = spec.containers.map((container) => make(container, policy));
  const facts = () => ({
    ...{ podIp: ip, hostIp: addresses.node, startTime, ...state },
    ...{ init: init.map(({ running }) => running.status()), main: main.map((one) => one.status()) },
  });
  const writer = createStatusWriter(context, path, metadata.uid ?? '', (before, nowIso) =>
    statusOf(pod, facts(), before, nowIso),
  );
  return { pod, ip, path, folders, context, volumes, writer, init, main, state };
}

/** How a container is run, by what is in the API now. */
async function plan(
  pod: Pod,
  ip: string,
  container: Container,
  { folders, context, volumes }: Pick<PodRun, 'folders' | 'context' | 'volumes'>,
): Promise<PlannedContainer> {
  try {
    await volumes.refresh();
    const variables = environmentOf(container, await volumes.sources());
    const at = { netNamespace: context.names.pod(ip), folders };
    return planContainer(pod, container, context.images, variables, at);
  } catch (error) {
    if (error instanceof MissingError) throw new ContainerConfigError('CreateContainerConfigError', messageOf(error));
    throw error;
  }
}

async function begin(run: PodRun): Promise<void> {
  const { pod, ip, context, folders, state, init, main, writer } = run;
  await makePodNetwork(context.names, ip);
  await writeEtc(folders.etc, pod, ip);
  await run.volumes.makeEmpty();
  await redirectTraffic(pod, context.names.pod(ip), context.programs, join(folders.logs, 'redirect.log'));
  writer.write();
  for (const { container, running } of init) {
    if (state.isTerminating) return;
    running.start();
    await (isSidecar(container) ? running.started : running.ended);
    if (!isSidecar(container) && running.exitCode() !== 0) return;
  }
  if (state.isTerminating) return;
  state.isInitialized = true;
  for (const one of main) one.start();
  writer.write();
  void Promise.all(main.map(({ ended }) => ended)).then(async () => {
    // The work is done: what ran beside it ends.
    if (!state.isTerminating) await stopSidecars(run, performance.now() + graceOf(pod) * 1_000);
    writer.write();
  });
}

async function stopSidecars({ init }: PodRun, deadlineMs: number): Promise<void> {
  const last = Math.max(deadlineMs, performance.now() + sidecarGraceMs);
  for (const { running } of init.toReversed()) await running.stop(last);
}

async function end(run: PodRun, graceSeconds: number, begun: Promise<void>): Promise<void> {
  run.state.isTerminating = true;
  run.writer.write();
  const deadlineMs = performance.now() + graceSeconds * 1_000;
  await Promise.all(run.main.map((one) => one.stop(deadlineMs)));
  await stopSidecars(run, deadlineMs);
  await begun;
  run.volumes.stop();
  await removeNamespace(run.context.names.pod(run.ip));
}

/** Out of the API, where it stands until somebody says that it has ended. */
async function takeOut({ path, context }: PodRun): Promise<void> {
  for (let attempt = 1; attempt <= removalAttempts; attempt += 1) {
    try {
      await context.api.remove(path, 0);
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (attempt === removalAttempts) context.say(`${path} can't be taken out of the API: ${messageOf(error)}`);
      await delay(removalPauseMs, undefined, { ref: false });
    }
  }
}

/** How long a pod may take to end, in seconds. */
export function graceOf({ spec, metadata }: Pod): number {
  return metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../local/cli/cli-error.ts';
import { identify, signal as send, withDescendants } from '../../local/supervisor/proc.ts';
import type { Container, ContainerState, ContainerStatus, Hook } from '../api/types.ts';
import { endLeftovers, mountNamespaceOf } from './leftovers.ts';
import type { PlannedContainer } from './plan.ts';
import { getOk, type RunningProbe, startProbe } from './probes.ts';
import { joinCommand, sandboxCommand } from './sandbox.ts';

/** How often a container is started again: doubled each time, from a fresh start after it has stayed up for long. */
const backoff = { firstMs: 1_000, maxMs: 60_000, resetAfterMs: 120_000 };
/** By then a container has a root of its own. */
const settledMs = 1_000;
const signalNumbers: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15, SIGSEGV: 11, SIGABRT: 6, SIGINT: 2 };

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

export type ContainerOptions = {
  readonly container: Container;
  readonly podIp: string;
  readonly logPath: string;
  readonly restartPolicy: RestartPolicy;
  /** Asked before each start, as what it is made of may have come or changed meanwhile. */
  readonly plan: () => Promise<PlannedContainer>;
  /** Called after every change of its status. */
  readonly onChange: () => void;
};

/** A container of a pod: started, probed, started again, stopped. */
export type RunningContainer = {
  readonly name: string;
  readonly status: () => ContainerStatus;
  /** Its last exit code, when it has ended and is not started again. */
  readonly exitCode: () => number | undefined;
  readonly start: () => void;
  /** Resolves when it has passed its startup probe (or runs, without one), or is over. */
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
  /** Its hook, then SIGTERM; SIGKILL when the deadline is over. @param deadlineMs by performance.now() */
  readonly stop: (deadlineMs: number) => Promise<void>;
};

type Running = {
  readonly options: ContainerOptions;
  child: ChildProcess | undefined;
  planned: PlannedContainer | undefined;
  state: ContainerState;
  lastState: ContainerState | undefined;
  restarts: number;
  delayMs: number;
  hasStarted: boolean;
  isReady: boolean;
  probes: RunningProbe[];
  stopping: boolean;
  over: boolean;
  readonly startedOnce: PromiseWithResolvers<void>;
  readonly endedForGood: PromiseWithResolvers<void>;
};

export function createContainer(options: ContainerOptions): RunningContainer {
  const running: Running = {
    ...{ options, child: undefined, planned: undefined, lastState: undefined, probes: [] },
    state: { waiting: { reason: 'PodInitializing' } },
    ...{ restarts: 0, delayMs: backoff.firstMs, hasStarted: false, isReady: false, stopping: false, over: false },
    startedOnce: Promise.withResolvers(),
    endedForGood: Promise.withResolvers(),
  };
  const { name, image } = options.container;
  return {
    name,
    status: () => ({
      ...{ name, image, imageID: `lab://${image}`, ready: running.isReady, started: running.hasStarted },
      ...{ restartCount: running.restarts, state: running.state, lastState: running.lastState ?? {} },
    }),
    exitCode: () => ('terminated' in running.state && running.over ? running.state.terminated.exitCode : undefined),
    start: () => void run(running),
    started: running.startedOnce.promise,
    ended: running.endedForGood.promise,
    stop: (deadlineMs) => stop(running, deadlineMs),
  };
}

function change(running: Running, patch: Partial<Running>): void {
  Object.assign(running, patch);
  running.options.onChange();
}

/** Starts it, and again after each end for as long as its pod says so. */
async function run(running: Running): Promise<void> {
  const { restartPolicy } = running.options;
  while (!running.stopping) {
    const startedAtMs = performance.now();
    const exitCode = await runOnce(running);
    if (running.stopping) break;
    const again = restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0);
    // What could not even be started is tried again whatever the policy: what it lacks may come.
    if (exitCode !== undefined && !again) break;
    if (performance.now() - startedAtMs > backoff.resetAfterMs) running.delayMs = backoff.firstMs;
    if (exitCode !== undefined) {
      const message = `back-off ${running.delayMs / 1_000}s restarting failed container ${running.options.container.name}`;
      change(running, { lastState: running.state, state: { waiting: { reason: 'CrashLoopBackOff', message } } });
    }
    await pauseUnlessStopped(running, running.delayMs);
    running.delayMs = Math.min(running.delayMs * 2, backoff.maxMs);
    if (!running.stopping && exitCode !== undefined) running.restarts += 1;
  }
  running.over = true;
  running.options.onChange();
  running.startedOnce.resolve();
  running.endedForGood.resolve();
}

/** @returns its exit code, as a shell gives it; undefined when it could not be started */
async function runOnce(running: Running): Promise<number | undefined> {
  const { options } = running;
  try {
    running.planned = await options.plan();
  } catch (error) {
    const reason = (error as { reason?: string }).reason ?? 'CreateContainerConfigError';
    change(running, { state: { waiting: { reason, message: messageOf(error) } } });
    return undefined;
  }
  if (running.stopping) return undefined;
  const startedAt = now();
  const child = spawnSandboxed(running.planned, options.logPath);
  const ended = Promise.withResolvers<{ code: number; signal: string | null }>();
  child.once('exit', (code, signal) =>
    ended.resolve({ code: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), signal }),
  );
  child.once('error', () => ended.resolve({ code: 128, signal: null }));
  change(running, { child, state: { running: { startedAt } }, hasStarted: false, isReady: false });
  void afterStart(running, child);
  let mountNamespace: string | undefined;
  const watching = setTimeout(() => {
    mountNamespace = mountNamespaceOf(child.pid);
  }, settledMs);
  watching.unref();
  const { code, signal } = await ended.promise;
  clearTimeout(watching);
  stopProbes(running);
  // A container ends with its first process, whatever that has started: an Envoy without its agent would keep the ports.
  await endLeftovers(running.planned.sandbox.netNamespace, mountNamespace);
  const terminated = {
    ...{ exitCode: code, reason: code === 0 ? 'Completed' : 'Error', startedAt, finishedAt: now() },
    ...(signal === null ? {} : { signal: signalNumbers[signal] ?? 0 }),
  };
  change(running, { child: undefined, state: { terminated }, hasStarted: false, isReady: false });
  return code;
}

/** The hook, the startup probe, then the two others. */
async function afterStart(running: Running, child: ChildProcess): Promise<void> {
  const { container } = running.options;
  const isCurrent = (): boolean => running.child === child && !running.stopping;
  await runHook(running, container.lifecycle?.postStart).catch(() => {});
  if (!isCurrent()) return;
  if (container.startupProbe !== undefined && !(await passesStartup(running, child))) return;
  if (!isCurrent()) return;
  change(running, { hasStarted: true, isReady: container.readinessProbe === undefined });
  running.startedOnce.resolve();
  const target = targetOf(running);
  if (container.readinessProbe !== undefined) {
    const probe = startProbe(container.readinessProbe, target, ({ verdict }) => {
      if (isCurrent()) change(running, { isReady: verdict === 'success' });
    });
    running.probes.push(probe);
  }
  if (container.livenessProbe !== undefined) {
    const probe = startProbe(container.livenessProbe, target, ({ verdict }) => {
      if (verdict === 'failure' && isCurrent()) void endByProbe(running, child);
    });
    running.probes.push(probe);
  }
}

async function passesStartup(running: Running, child: ChildProcess): Promise<boolean> {
  const { startupProbe } = running.options.container;
  if (startupProbe === undefined) return true;
  const passed = Promise.withResolvers<boolean>();
  const probe = startProbe(startupProbe, targetOf(running), ({ verdict }) => passed.resolve(verdict === 'success'));
  running.probes.push(probe);
  child.once('exit', () => passed.resolve(false));
  const succeeded = await passed.promise;
  probe.stop();
  if (!succeeded && running.child === child && !running.stopping) await endByProbe(running, child);
  return succeeded;
}

/** A container that its probe gave up has its time to end, and is started again by its policy. */
async function endByProbe(running: Running, child: ChildProcess): Promise<void> {
  const graceMs = 10_000;
  stopProbes(running);
  child.kill('SIGTERM');
  await Promise.race([onceExited(child), delay(graceMs, undefined, { ref: false })]);
  killTree(child);
}

async function stop(running: Running, deadlineMs: number): Promise<void> {
  if (running.stopping) return running.endedForGood.promise;
  const { child } = running;
  running.stopping = true;
  stopProbes(running);
  if (child === undefined) {
    running.over = true;
    running.startedOnce.resolve();
    running.endedForGood.resolve();
    return;
  }
  const leftMs = (): number => Math.max(0, deadlineMs - performance.now());
  const hook = runHook(running, running.options.container.lifecycle?.preStop).catch(() => {});
  await Promise.race([hook, onceExited(child), delay(leftMs(), undefined, { ref: false })]);
  child.kill('SIGTERM');
  await Promise.race([onceExited(child), delay(leftMs(), undefined, { ref: false })]);
  if (child.exitCode === null && child.signalCode === null) killTree(child);
  await running.endedForGood.promise;
}

async function runHook(running: Running, hook: Hook | undefined): Promise<void> {
  if (hook === undefined) return;
  const { podIp, container } = running.options;
  const timeoutMs = 60_000;
  if (hook.sleep !== undefined) await delay(hook.sleep.seconds * 1_000, undefined, { ref: false });
  if (hook.httpGet !== undefined) await getOk(hook.httpGet, { container, podIp }, timeoutMs);
  if (hook.exec !== undefined) await execIn(running, hook.exec.command, timeoutMs);
}

function targetOf(running: Running) {
  const { container, podIp } = running.options;
  return {
    ...{ container, podIp },
    exec: (command: readonly string[], timeoutMs: number) => execIn(running, command, timeoutMs),
  };
}

/** Runs a command in the container beside its first process; what it prints goes nowhere. */
function execIn({ child, planned }: Running, command: readonly string[], timeoutMs: number): Promise<boolean> {
  if (child?.pid === undefined || planned === undefined) return Promise.resolve(false);
  const [program = '', ...args] = joinCommand(child.pid, planned.sandbox, command);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const asked = spawn(program, args, { env: { ...planned.env }, stdio: 'ignore', timeout: timeoutMs });
  asked.once('exit', (code) => resolve(code === 0));
  asked.once('error', () => resolve(false));
  return promise;
}

/** Its log belongs to its user, since programs open /dev/stdout by its name. */
function spawnSandboxed({ sandbox, env }: PlannedContainer, logPath: string): ChildProcess {
  mkdirSync(sandbox.rootDir, { recursive: true });
  const log = openSync(logPath, 'a', 0o600);
  try {
    chownSync(logPath, sandbox.uid, sandbox.gid);
    const { command, args } = sandboxCommand(sandbox);
    return spawn(command, [...args], { env: { ...env }, cwd: '/', detached: true, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

function stopProbes(running: Running): void {
  for (const probe of running.probes) probe.stop();
  running.probes = [];
}

function onceExited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** With all that it has started: Envoy is a child of the agent. */
function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  for (const one of withDescendants(child.pid).map(identify)) if (one !== undefined) send(one, 'SIGKILL');
}

async function pauseUnlessStopped(running: Running, ms: number): Promise<void> {
  const pollMs = 100;
  for (const end = performance.now() + ms; performance.now() < end && !running.stopping; )
    await delay(Math.min(pollMs, ms), undefined, { ref: false });
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

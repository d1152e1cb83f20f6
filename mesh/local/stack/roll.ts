/** How a stack that another version started comes to this one, while people use it. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { lockStack } from '../machine/lock.ts';
import type { ObserverName } from '../observability/programs.ts';
import { observersOf, startObservers } from '../observability/start.ts';
import { ensureParts } from '../parts/fetch.ts';
import type { PartName } from '../parts/parts.ts';
import { requireFreePorts } from '../ports.ts';
import { drainEnvoy, envoyStandIn, nobodyRests } from '../servers/envoy.ts';
import { createGroup, type ProcessGroup } from '../supervisor/group.ts';
import { stopOrphans } from '../supervisor/orphans.ts';
import { isAlive, type ProcessIdentity, signal as send } from '../supervisor/proc.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { createRecorder, type Recorder } from '../supervisor/recorder.ts';
import { orphansOf, type ProcessRecord, readState, type StackState } from '../supervisor/state.ts';
import { gatewayOf, ratelimitOf } from './front-door.ts';
import { runtimeVariablesOf } from './kept-settings.ts';
import { planStack, type StackOptions, type StackPlan } from './plan.ts';
import { type Instance, serviceOf } from './replicas.ts';
import { replaceGateway } from './roll-gateway.ts';
import { natsIsOld, partsOf, programOf, refreshUsers, serversOf } from './servers.ts';
import { serviceSpec } from './services.ts';
import {
  handleOf,
  monitoringStep,
  portsOf,
  ratelimitStep,
  type Stack,
  StackIsRunningError,
  startRatelimit,
  tiers,
} from './stack.ts';
import { codeVersion } from './version.ts';

/** Within this time those who could not reach a replica have tried again: the kit's channels wait for at most a second. */
const reconnectedMs = 1_300;
const restTimeoutMs = 15_000;
const lockTimeoutMs = 10_000;
const pollMs = 50;

type Programs = Readonly<Partial<Record<PartName, string>>>;
/** How a process is run, and its tier, by its name. */
type Specs = ReadonlyMap<string, readonly [ProcessSpec, number]>;
type Roll = {
  readonly plan: StackPlan;
  readonly programs: Programs;
  readonly recorder: Recorder;
  readonly group: ProcessGroup;
  readonly signal: AbortSignal;
  /** Names of the services that are replaced, and nothing else; undefined: all, and the front door. */
  readonly only: readonly string[] | undefined;
  /** True: what runs is of this version; only what is away is started. */
  readonly isCurrent: boolean;
};

/** The stack went down before it could be taken over. */
export class StackWasStoppedError extends CliError {
  constructor(options: { cause?: unknown } = {}) {
    super('the stack was stopped meanwhile (./oxo down)', { advice: ['./oxo up starts it again'], ...options });
  }
}

/**
 * Takes over the stack of another supervisor, of any version, and replaces its services and then the front door, one process after the
 * other: each is ready before the next is stopped. Postgres, Redis and NATS go on as they are. The tables must have been migrated.
 * When a process does not get ready, the rest stays as it was, and the state says why; the stack is supervised all the same.
 * Of a supervisor that died, what it left running is taken over in the same way; of this version, only what is away is started.
 * @param supervisor pid of the one that is replaced
 * @param signal ends it and stops the stack
 * @param only names of services that get other secrets; the others and the front door go on, and are of this version already
 * @throws StackIsRunningError when it is not that one which runs; StackWasStoppedError; CliError when something can't be, and nothing was touched
 */
export async function takeOverStack(
  options: StackOptions,
  supervisor: number,
  signal: AbortSignal,
  only?: readonly string[],
): Promise<Stack> {
  const plan = planStack(options);
  const before = requireToTakeOver(plan.stateDir, supervisor);
  await requireFreePorts(portsOf(plan), plan.stateDir);
  const programs = await ensureParts(plan.cacheDir, [...partsOf(serversOf(plan)), 'envoy']);
  // Whatever can't be made is found before anything is touched.
  const [specs, version] = [await specsOf(plan, programs), codeVersion()];
  signal.throwIfAborted();
  requireToTakeOver(plan.stateDir, supervisor);
  const variables = runtimeVariablesOf(before);
  await endWithoutItsProcesses(before.supervisor);
  const lock = await lockSoon(plan.stateDir);
  const left = await whatIsLeft(plan.stateDir, before).catch(async (error) => {
    await lock.release();
    throw error;
  });
  const isCurrent = left.version === version && isDeepStrictEqual(variables, plan.variables);
  const about = { ...plan, variables, processes: left.processes, version: isCurrent ? version : undefined };
  const recorder = createRecorder(plan.stateDir, about, plan.onStep);
  const group = createGroup(recorder, plan);
  const roll: Roll = { plan, programs, recorder, group, signal, only, isCurrent };
  const abort = (): void => void group.stop();
  signal.addEventListener('abort', abort, { once: true });
  try {
    adoptAll(roll, left, specs);
    await replaceAll(roll, left);
    if (only === undefined) await replaceOldNats(roll);
    await recorder.step('rights', () => refreshUsers(plan, group.get('nats')?.snapshot().identity, false));
    recorder.variables(plan.variables);
    recorder.version(version);
  } catch (error) {
    if (!signal.aborted && only === undefined) recorder.version(undefined, halfWay(error));
    else if (!signal.aborted) recorder.version(version, withOldSecrets(error));
  }
  signal.removeEventListener('abort', abort);
  // Who was told to stop meanwhile is stopped by the caller.
  if (!signal.aborted) recorder.phase('running');
  return handleOf(plan, recorder, group, lock.release);
}

/** Asked for before anything is touched: who is told to stop must be let end what runs. */
function requireToTakeOver(stateDir: string, supervisor: number): StackState {
  const state = readState(stateDir);
  if (state?.supervisor.pid !== supervisor) throw new StackIsRunningError(`a stack is running in ${stateDir}`);
  if (!canBeTakenOver(state)) throw new StackWasStoppedError();
  return state;
}

/** Whether a supervisor has started all that it was to start and goes on, or has died over processes that go on. */
export function canBeTakenOver(state: StackState): boolean {
  if (isAlive(state.supervisor)) return state.phase === 'running';
  return (state.phase === 'running' || state.phase === 'starting') && orphansOf(state).length > 0;
}

/** Who was told to stop at the last moment did not come to it. */
async function whatIsLeft(stateDir: string, before: StackState): Promise<StackState> {
  const left = readState(stateDir) ?? before;
  if (left.supervisor.pid !== before.supervisor.pid) throw new StackIsRunningError(`a stack is running in ${stateDir}`);
  if (left.phase !== 'stopping' && left.phase !== 'stopped') return left;
  await stopOrphans(stateDir);
  throw new StackWasStoppedError();
}

/** By SIGKILL: told to stop, it would stop everything. What a supervisor leaves behind when it dies goes on, and is on record. */
async function endWithoutItsProcesses(supervisor: ProcessIdentity): Promise<void> {
  send(supervisor, 'SIGKILL');
  while (isAlive(supervisor)) await delay(pollMs);
}

async function lockSoon(stateDir: string) {
  const deadlineMs = performance.now() + lockTimeoutMs;
  for (;;) {
    const lock = await lockStack(stateDir);
    if (lock !== undefined) return lock;
    if (performance.now() > deadlineMs) throw new StackIsRunningError(`a stack is running in ${stateDir}`);
    await delay(pollMs);
  }
}

/** Files of what runs stay as they are: it may die before its turn, and comes back as it was. */
async function specsOf(plan: StackPlan, programs: Programs): Promise<Specs> {
  const specs = new Map<string, readonly [ProcessSpec, number]>();
  for (const server of serversOf(plan))
    specs.set(server.name, [await server.prepare(plan, programOf(server, programs), true), tiers.servers]);
  // Without its program it goes on as it is, or there is none.
  const ratelimit = await ratelimitOf(plan).catch(() => undefined);
  if (ratelimit !== undefined) specs.set(ratelimit.name, [ratelimit, tiers.servers]);
  for (const { name, spec } of await observersOf(plan)) if (spec !== undefined) specs.set(name, [spec, tiers.servers]);
  for (const instance of plan.instances) specs.set(instance.name, [serviceSpec(plan, instance), tiers.services]);
  for (const standIn of [false, true]) {
    const spec = gatewayOf(plan, programs.envoy ?? '', { limited: ratelimit !== undefined, standIn, keep: true });
    specs.set(spec.name, [spec, tiers.gateway]);
  }
  return specs;
}

/** Every process that runs is looked after from now on; a server that is away just now comes back. */
function adoptAll({ plan, recorder, group, only }: Roll, left: StackState, specs: Specs): void {
  for (const record of left.processes) {
    const [spec, tier] = specs.get(record.name) ?? [unknownSpec(plan, record), tiers.services];
    const isThere = record.identity !== undefined && isAlive(record.identity);
    // A service that is away is started when its turn comes.
    const hasTurn = tier === tiers.services && (only === undefined || only.includes(serviceOf(record.name)));
    if (hasTurn && !isThere) recorder.gone(record.name);
    else group.adopt(spec, tier, snapshotOf(record));
  }
}

/** Of a process that this version does not know: it is only to be stopped. */
function unknownSpec(plan: StackPlan, { name, stopSignal }: ProcessRecord): ProcessSpec {
  const nothing = { command: '/bin/false', args: [], env: {}, cwd: plan.stateDir, logPath: '/dev/null' };
  return { name, ...nothing, probe: async () => true, readyTimeoutMs: 0, stopSignal, stopTimeoutMs: 15_000 };
}

function snapshotOf({ name, state, identity, restarts, since, lastExit }: ProcessRecord) {
  return { name, state, identity, restarts, since, lastExit };
}

/** Services in the order of services.ts, all replicas of one before the next; then the front door, which leads to what is new. */
async function replaceAll(roll: Roll, left: StackState): Promise<void> {
  const { plan, programs, recorder, group, signal, only, isCurrent } = roll;
  for (const server of serversOf(plan)) {
    const { name, prepare } = server;
    if (only !== undefined || group.get(name) !== undefined) continue;
    await recorder.step(name, async () => group.start(await prepare(plan, programOf(server, programs)), tiers.servers));
  }
  // Before the services, whose spans they take.
  if (only === undefined) await startObservers(plan, { recorder, group, tier: tiers.servers }, !isCurrent);
  const note = plan.replicas === 1 ? 'the only one: requests failed meanwhile' : undefined;
  for (const service of plan.services.filter(({ name }) => only?.includes(name) ?? true)) {
    for (const instance of plan.instances.filter((other) => other.service === service)) {
      signal.throwIfAborted();
      if (isCurrent && only === undefined && group.get(instance.name) !== undefined) continue;
      await recorder.step(instance.name, async () => {
        await replaceService(roll, instance);
        return note;
      });
    }
  }
  signal.throwIfAborted();
  if (only?.includes(ratelimitStep) && group.get(ratelimitStep) !== undefined) {
    await group.leave(ratelimitStep);
    await startRatelimit(plan, recorder, group);
  }
  if (only?.includes(monitoringStep)) {
    // And Prometheus, with who asks it.
    const who: readonly ('telemetry' | ObserverName)[] = [
      ...(['postgres-exporter', 'redis-exporter', 'prometheus', 'telemetry'] as const),
    ];
    await startObservers(plan, { recorder, group, tier: tiers.servers }, true, who);
  }
  if (only !== undefined) return;
  // Its limits may be others; while it is away writes pass.
  if (!isCurrent) await group.leave(ratelimitStep);
  const limited = group.get(ratelimitStep) !== undefined || (await startRatelimit(plan, recorder, group));
  if (!isCurrent || group.get('envoy') === undefined) {
    const specOf = (standIn: boolean): ProcessSpec => gatewayOf(plan, programs.envoy ?? '', { limited, standIn });
    const drain = (standIn: boolean): Promise<void> => drainEnvoy(plan.portBase, standIn);
    await recorder.step('envoy', () => replaceGateway({ group, specOf, drain }));
  }
  const names = [...serversOf(plan), ...plan.instances, ...(await observersOf(plan))].map(({ name }) => name);
  const known = new Set([...names, ratelimitStep, 'envoy', envoyStandIn]);
  for (const { name } of left.processes) if (!known.has(name)) await group.leave(name);
}

/**
 * A NATS that was started without accounts cannot be given them, and in one account every service reaches what is everybody's. Nobody needs
 * the old one any more: it is started anew, on its own data, and services come back to it by themselves.
 */
async function replaceOldNats({ plan, programs, recorder, group, signal }: Roll): Promise<void> {
  const server = serversOf(plan).find(({ name }) => name === 'nats');
  if (server === undefined || !natsIsOld(plan)) return;
  signal.throwIfAborted();
  await recorder.step(server.name, async () => {
    await group.leave(server.name);
    await group.start(await server.prepare(plan, programOf(server, programs)), tiers.servers);
    return 'with an account for each service; events waited in the outboxes for a moment';
  });
}

async function replaceService({ plan, group, signal }: Roll, instance: Instance): Promise<void> {
  await group.leave(instance.name);
  await group.start(serviceSpec(plan, instance), tiers.services);
  if (instance.replica < plan.replicas - 1) await untilUsed(plan, signal);
}

/** The other replicas are needed until everybody has found the new one. */
async function untilUsed({ portBase }: StackPlan, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + restTimeoutMs;
  await delay(reconnectedMs, undefined, { signal });
  while (performance.now() < deadlineMs) {
    if (await nobodyRests(portBase).catch(() => false)) return;
    await delay(pollMs, undefined, { signal });
  }
}

function withOldSecrets(error: unknown): CliError {
  return new CliError(`some services still have their former secrets: ${messageOf(error)}`, {
    advice: [
      ...(error instanceof CliError ? error.advice : []),
      'Both count, and what was not replaced goes on. ./oxo credentials rotate goes on from here.',
    ],
    cause: error,
  });
}

function halfWay(error: unknown): CliError {
  return new CliError(`the stack is of two versions now: ${messageOf(error)}`, {
    advice: [
      ...(error instanceof CliError ? error.advice : []),
      'What was not replaced goes on. ./oxo up goes on from here; in the checkout of the version before, it goes back.',
    ],
    cause: error,
  });
}

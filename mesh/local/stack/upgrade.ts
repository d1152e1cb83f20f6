import { CliError } from '../cli/cli-error.ts';
import type { Progress } from '../cli/terminal.ts';
import { requireFreePorts } from '../ports.ts';
import type { ServiceDefinition } from '../services.ts';
import type { Settings } from '../settings.ts';
import { followStart, launchSupervisor } from '../supervisor/launch.ts';
import { orphansOf, readLiveState, readState, type StackState, withRunningSettings } from '../supervisor/state.ts';
import { planStack, type StackPlan } from './plan.ts';
import { canBeTakenOver, StackWasStoppedError } from './roll.ts';
import { refreshUsers, setUpServers } from './servers.ts';
import { migrate } from './services.ts';
import { portsOf } from './stack.ts';
import { codeVersion } from './version.ts';

/** Whether services run that are not of this checkout's code. */
export function isOfAnotherVersion({ phase, version, processes }: StackState): boolean {
  const serves = processes.some(({ name }) => name.startsWith('envoy'));
  return phase === 'running' && serves && version !== codeVersion();
}

/**
 * Whether observability is to be turned on or off, or other requests to be traced. Services and the front door say where their spans go
 * when they start.
 */
export function isObservedOtherwise(state: StackState, { observability, variables }: Settings): boolean {
  const before = state.variables ?? {};
  const serves = state.processes.some(({ name }) => name.startsWith('envoy'));
  const isObserved = before.OXO_OBSERVABILITY === 'on';
  const samplesOtherwise = (['OTEL_TRACES_SAMPLER_ARG', 'OXO_TRUST_TRACEPARENT'] as const).some(
    (name) => before[name] !== variables[name],
  );
  return state.phase === 'running' && serves && (isObserved !== observability || (observability && samplesOtherwise));
}

/**
 * Whether what a supervisor left that died can go on under another one, with these settings: it serves people, and every server is there.
 * The rest is started anew.
 */
export function isLeftServing(state: StackState, settings: Settings): boolean {
  const alive = new Set(orphansOf(state).map(({ name }) => name));
  const { databaseUrl, redisUrl, natsUrl } = state.own;
  const servers = Object.entries({ postgres: databaseUrl, redis: redisUrl, nats: natsUrl });
  const isSame = settings.portBase === state.portBase && settings.replicas === state.replicas;
  const isWhole = servers.every(([name, url]) => url !== undefined || alive.has(name));
  return canBeTakenOver(state) && isSame && isWhole && [...alive].some((name) => name.startsWith('envoy'));
}

/**
 * Brings a stack that runs to this version: what its servers hold first, beside the old services, then process by process.
 * @param onRoll called when it goes on whatever happens to the caller
 * @throws CliError when a port is in use or a migration fails, and nothing has changed; or when a new process does not get ready, and the rest goes on
 */
export async function upgrade(
  settings: Settings,
  running: StackState,
  progress: Progress,
  onRoll: () => void,
): Promise<void> {
  const plan = planStack(withRunningSettings(settings));
  await requireFreePorts(portsOf(plan), plan.stateDir);
  await bringUpToDate(plan, plan.services, progress).catch((error) => {
    requireUntouched(plan.stateDir, running, error);
    throw error;
  });
  requireUntouched(plan.stateDir, running);
  onRoll();
  await followStart(settings, launchSupervisor(settings, false, running.supervisor.pid), progress);
  requireThisVersion(plan.stateDir);
}

/** What somebody else does to the stack meanwhile shows as servers that went away, which would be a wrong reason. */
function requireUntouched(stateDir: string, before: StackState, cause?: unknown): void {
  const now = readState(stateDir);
  if (now === undefined || (now.supervisor.pid === before.supervisor.pid && !canBeTakenOver(now)))
    throw new StackWasStoppedError({ cause });
}

/** Of two ups at once, one replaces what runs and the other one follows it. */
function requireThisVersion(stateDir: string): void {
  const version = readLiveState(stateDir)?.version;
  if (version === codeVersion()) return;
  throw new CliError(`another up brought the stack to its version meanwhile (${version}), not to this one`, {
    advice: ['./oxo up again brings it to this one'],
  });
}

/** Roles, users, streams and tables of servers that run, whichever version of the services runs on them. */
export async function bringUpToDate(
  plan: StackPlan,
  services: readonly ServiceDefinition[],
  progress: Pick<Progress, 'step'>,
): Promise<void> {
  const nats = readState(plan.stateDir)?.processes.find(({ name }) => name === 'nats')?.identity;
  await progress.step('users', () => refreshUsers(plan, nats, true));
  await setUpServers(plan, progress.step, true);
  for (const service of services) {
    if (service.migrate === undefined) continue;
    await progress.step(`migrations of ${service.name}`, () => migrate(plan, service, 'up'));
  }
}

import type { ChildProcess } from 'node:child_process';
import type { Progress } from '../cli/terminal.ts';
import type { ServiceDefinition } from '../services.ts';
import type { Settings } from '../settings.ts';
import { followStart, launchSupervisor } from '../supervisor/launch.ts';
import { readLiveState, type StackState, withRunningSettings } from '../supervisor/state.ts';
import { planStack, type StackPlan } from './plan.ts';
import { refreshUsers, setUpServers } from './servers.ts';
import { migrate } from './services.ts';
import { codeVersion } from './version.ts';

/** Whether services run that are not of this checkout's code. */
export function isOfAnotherVersion({ phase, version, processes }: StackState): boolean {
  const serves = processes.some(({ name }) => name.startsWith('envoy'));
  return phase === 'running' && serves && version !== codeVersion();
}

/**
 * Brings a stack that runs to this version: what its servers hold first, beside the old services, then process by process.
 * @throws CliError when a migration fails, and nothing has changed; or when a new process does not get ready, and the rest goes on
 */
export async function upgrade(settings: Settings, running: StackState, progress: Progress): Promise<ChildProcess> {
  const plan = planStack(withRunningSettings(settings));
  await bringUpToDate(plan, plan.services, progress);
  const supervisor = launchSupervisor(settings, false, running.supervisor.pid);
  await followStart(settings, supervisor, progress);
  return supervisor;
}

/** Roles, users, streams and tables of servers that run, whichever version of the services runs on them. */
export async function bringUpToDate(
  plan: StackPlan,
  services: readonly ServiceDefinition[],
  progress: Progress,
): Promise<void> {
  const nats = readLiveState(plan.stateDir)?.processes.find(({ name }) => name === 'nats')?.identity;
  await progress.step('users', () => refreshUsers(plan, nats, true));
  await setUpServers(plan, progress.step);
  for (const service of services) {
    if (service.migrate === undefined) continue;
    await progress.step(`migrations of ${service.name}`, () => migrate(plan, service, 'up'));
  }
}

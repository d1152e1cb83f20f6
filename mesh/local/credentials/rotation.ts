/** How the secrets of services are replaced while people use them. */
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';
import type { Progress } from '../cli/terminal.ts';
import { withLock } from '../machine/lock.ts';
import { changeSecrets, loadSecrets, operatorName } from '../secrets.ts';
import { connectOnce } from '../servers/nats.ts';
import type { Settings } from '../settings.ts';
import { planStack, type StackPlan } from '../stack/plan.ts';
import { refreshUsers, setUpServers } from '../stack/servers.ts';
import { isOfAnotherVersion } from '../stack/upgrade.ts';
import { followStart, launchSupervisor } from '../supervisor/launch.ts';
import { readLiveState, type StackState, withRunningSettings } from '../supervisor/state.ts';
import { pending, replaceSecrets, withoutFormer } from './turns.ts';

const lockTimeoutMs = 2_000;
const natsTimeoutMs = 10_000;
const pollMs = 50;

/**
 * Gives services other secrets. First the new ones count beside the former ones, then process by process is started with the new, at last
 * the former ones are taken back, and whoever is connected by them is cut off. Each step can be repeated: what a kill cut off is done by
 * the next call, or by the next `up`, from its beginning and with the secrets that it had made.
 * @param names whose; those of a change that is not done come first, and then these are left as they are
 * @returns whose were replaced
 * @throws CliError when the stack is neither down nor wholly up, or a process does not get ready: both count then
 */
export function rotateCredentials(
  settings: Settings,
  names: readonly string[],
  progress: Progress,
): Promise<readonly string[]> {
  return withLock(`credentials of ${settings.stateDir}`, lockTimeoutMs, async () => {
    const live = readLiveState(settings.stateDir);
    if (live !== undefined) requireWhole(live);
    const earlier = pending(loadSecrets(settings.stateDir, []));
    const replaced = earlier.length > 0 ? earlier : names;
    await progress.step('new secrets', async () => {
      if (earlier.length > 0) return `made by a call that was cut off, for ${earlier.join(', ')}`;
      changeSecrets(settings.stateDir, (secrets) => replaceSecrets(secrets, names));
      return `for ${names.join(', ')}`;
    });
    if (live !== undefined) await rollOut(settings, replaced, progress);
    changeSecrets(settings.stateDir, withoutFormer);
    return replaced;
  });
}

/** Whether a change of secrets was cut off. */
export function isPending({ stateDir }: Settings): boolean {
  return pending(loadSecrets(stateDir, [])).length > 0;
}

function requireWhole(live: StackState): void {
  if (live.phase !== 'running' || !live.processes.some(({ name }) => name.startsWith('envoy'))) {
    throw new CliError(`the stack is ${live.phase === 'running' ? 'one of servers alone' : live.phase}`, {
      advice: ['Secrets are replaced while it is wholly up, or down: ./oxo status'],
    });
  }
  if (isOfAnotherVersion(live)) {
    throw new CliError('services of another version run', { advice: ['./oxo up first: it replaces them by this one'] });
  }
}

async function rollOut(settings: Settings, names: readonly string[], progress: Progress): Promise<void> {
  const running = withRunningSettings(settings);
  await progress.step('both count', () => setUsers(planStack(running)));
  // Auth knows the new secrets of the others before they show them.
  const services = planStack(running).services.map(({ name }) => name);
  const only = services.filter((name) => name === 'auth' || names.includes(name));
  await roll(settings, { only, presentOnly: false }, progress);
  await progress.step('former secrets', async () => {
    await setUsers(planStack({ ...running, presentOnly: true }));
    return 'taken back';
  });
  await roll(settings, { only: ['auth'], presentOnly: true }, progress);
}

async function roll(
  settings: Settings,
  part: { readonly only: readonly string[]; readonly presentOnly: boolean },
  progress: Progress,
): Promise<void> {
  const live = readLiveState(settings.stateDir);
  if (live === undefined) throw new CliError('the stack has stopped meanwhile', { advice: ['./oxo up'] });
  const names = part.only.filter((name) => name !== operatorName);
  await progress.step(`${names.join(', ')} ${part.presentOnly ? 'without the former' : 'with the new'}`, () =>
    followStart(settings, launchSupervisor(withRunningSettings(settings), false, live.supervisor.pid, part), {
      ...progress,
      steps: () => {},
    }),
  );
}

/** Makes the users on servers that run what the plan says, and returns when all can come in. */
async function setUsers(plan: StackPlan): Promise<void> {
  const nats = readLiveState(plan.stateDir)?.processes.find(({ name }) => name === 'nats')?.identity;
  await setUpServers(plan, (_, work) => work());
  await refreshUsers(plan, nats, false);
  if (plan.own.natsUrl !== undefined) return;
  for (const service of plan.services) await untilKnown(plan.context.natsUrl(service));
}

/** The server reads its configuration some time after it was told to. */
async function untilKnown(url: string): Promise<void> {
  const deadlineMs = performance.now() + natsTimeoutMs;
  for (;;) {
    try {
      await (await connectOnce(url)).close();
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await delay(pollMs);
    }
  }
}

/** How the secrets of services are replaced while people use them. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientError, createClient, Status } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { secretIdOf } from '#kit/identity/service-token.ts';
import { CliError } from '../cli/cli-error.ts';
import type { Progress } from '../cli/terminal.ts';
import { asOperator } from '../client/operator.ts';
import { withLock } from '../machine/lock.ts';
import { changeSecrets, loadSecrets } from '../secrets.ts';
import { connectOnce } from '../servers/nats.ts';
import type { Settings } from '../settings.ts';
import { planStack, type StackPlan } from '../stack/plan.ts';
import { refreshUsers, setUpServers } from '../stack/servers.ts';
import { monitoringStep, ratelimitStep } from '../stack/stack.ts';
import { isOfAnotherVersion } from '../stack/upgrade.ts';
import { followStart, launchSupervisor } from '../supervisor/launch.ts';
import { readLiveState, type StackState, withRunningSettings } from '../supervisor/state.ts';
import { formerTokenSecrets, pending, replaceSecrets, withoutFormer } from './turns.ts';

const lockTimeoutMs = 2_000;
const natsTimeoutMs = 10_000;
const pollMs = 50;

/**
 * Gives services, and others who have some, other secrets. First the new ones count beside the former ones, then process by process is started with the new, at last
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
    return takeTurns(settings.stateDir, names, live && rolloutOf(settings, progress), progress);
  });
}

/** How a stack that runs comes to other secrets. Each can be repeated. */
export type Rollout = {
  /** Makes the users on the servers, of the secrets as they are stored. @param presentOnly the former ones are taken back */
  readonly setUsers: (presentOnly: boolean) => Promise<void>;
  /** Starts processes of these with the secrets as they are stored, one after the other. */
  readonly roll: (only: readonly string[], presentOnly: boolean) => Promise<void>;
  /** Has every token refused that was got by one of these secrets, and has it written down whose were replaced. */
  readonly refuse: (formerSecrets: readonly string[], replaced: readonly string[]) => Promise<void>;
};

/**
 * The steps of a rotation, in the one order in which nobody's secrets are refused while they use them. A kill between any two leaves what the
 * next call brings to an end, with the secrets that this one has made.
 * @param rollout undefined when nothing runs
 * @returns whose were replaced
 */
export async function takeTurns(
  stateDir: string,
  names: readonly string[],
  rollout: Rollout | undefined,
  { step }: Pick<Progress, 'step'>,
): Promise<readonly string[]> {
  const earlier = pending(loadSecrets(stateDir, []));
  let replaced: readonly string[] = earlier;
  await step('new secrets', async () => {
    if (earlier.length > 0) return `made by a call that was cut off, for ${earlier.join(', ')}`;
    replaced = pending(changeSecrets(stateDir, (secrets) => replaceSecrets(secrets, names)));
    return `for ${replaced.join(', ')}`;
  });
  if (rollout !== undefined && replaced.length > 0) {
    await rollout.setUsers(false);
    // Auth knows the new secrets of the others before they show them.
    await rollout.roll(['auth', ...replaced.filter((name) => name !== 'auth')], false);
    await rollout.setUsers(true);
    await rollout.roll(['auth'], true);
    // Nobody gets another one any more.
    await rollout.refuse(formerTokenSecrets(loadSecrets(stateDir, [])), replaced);
  }
  changeSecrets(stateDir, withoutFormer);
  return replaced;
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

function rolloutOf(settings: Settings, progress: Progress): Rollout {
  const running = withRunningSettings(settings);
  return {
    async setUsers(presentOnly) {
      await progress.step(presentOnly ? 'former secrets' : 'both count', async () => {
        await setUsers(planStack({ ...running, presentOnly }));
        return presentOnly ? 'taken back' : undefined;
      });
    },
    async roll(names, presentOnly) {
      const processes = [...planStack(running).services.map(({ name }) => name), ratelimitStep, monitoringStep];
      await roll(settings, { only: processes.filter((name) => names.includes(name)), presentOnly }, progress);
    },
    async refuse(formerSecrets, replaced) {
      await progress.step('tokens', async () => {
        const secretIds = formerSecrets.map((secret) => secretIdOf(createHash('sha256').update(secret).digest()));
        const plan = planStack({ ...running, presentOnly: true });
        await asOperator(plan, 'tokens got by the former secrets are not refused yet', async (channel, call) => {
          const auth = createClient(AuthInternalServiceDefinition, channel);
          await untilHeard(() => auth.dropServiceSecrets({ secretIds, replaced: [...replaced] }, call));
        });
        return secretIds.length === 0 ? undefined : 'got by the former secrets are refused';
      });
    },
  };
}

async function roll(
  settings: Settings,
  part: { readonly only: readonly string[]; readonly presentOnly: boolean },
  progress: Progress,
): Promise<void> {
  const live = readLiveState(settings.stateDir);
  if (live === undefined) throw new CliError('the stack has stopped meanwhile', { advice: ['./oxo up'] });
  await progress.step(`${part.only.join(', ')} ${part.presentOnly ? 'without the former' : 'with the new'}`, () =>
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

/** Auth has just started, and what it tells the others may take a moment longer than it waits. */
async function untilHeard(tell: () => Promise<unknown>): Promise<void> {
  for (let left = 3; ; left -= 1) {
    try {
      await tell();
      return;
    } catch (error) {
      if (left === 0 || !(error instanceof ClientError) || error.code !== Status.UNAVAILABLE) throw error;
    }
  }
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

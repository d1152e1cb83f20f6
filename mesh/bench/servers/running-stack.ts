import { CliError } from '../../local/cli/cli-error.ts';
import { ensureParts, type Programs } from '../../local/parts/fetch.ts';
import { loopback, serverPorts } from '../../local/ports.ts';
import { services } from '../../local/services.ts';
import { readSettings } from '../../local/settings.ts';
import { planStack, type StackPlan } from '../../local/stack/plan.ts';
import { serviceOf } from '../../local/stack/replicas.ts';
import { readLiveState, type Step, withRunningSettings } from '../../local/supervisor/state.ts';
import type { Target } from '../load/raw-connection.ts';
import type { ServerProcess } from './cpu.ts';

/** The stack that is measured. */
export type RunningStack = {
  readonly plan: StackPlan;
  readonly frontDoor: Target;
  /** The processes as they are now; one that was restarted has another pid. Replicas have the name of their service. */
  readonly processes: () => readonly ServerProcess[];
  /** How long each service took at the last start, in ms, by name. */
  readonly startMs: Readonly<Record<string, number>>;
  /** Path of the Envoy that runs. */
  readonly envoyProgram: string;
};

/** @throws CliError when no stack runs on this machine */
export async function findRunningStack(env: NodeJS.ProcessEnv): Promise<RunningStack> {
  const settings = withRunningSettings(readSettings(env));
  const live = readLiveState(settings.stateDir);
  if (live?.phase !== 'running') throw new CliError('nothing runs here yet', { advice: ['./oxo up starts it'] });
  const plan = planStack(settings);
  const programs: Partial<Programs> = await ensureParts(plan.cacheDir, ['envoy']);
  return {
    plan,
    frontDoor: { host: loopback, port: serverPorts(plan.portBase).frontDoor },
    processes: () => processesOf(settings.stateDir),
    startMs: startMsOf(live.steps),
    envoyProgram: programs.envoy ?? '',
  };
}

/** The slowest replica counts. */
function startMsOf(steps: readonly Step[]): Record<string, number> {
  const startMs: Record<string, number> = {};
  for (const { name } of services) {
    const own = steps.filter((step) => serviceOf(step.name) === name);
    startMs[name] = Math.max(...own.map(({ ms }) => ms));
  }
  return startMs;
}

function processesOf(stateDir: string): ServerProcess[] {
  const records = readLiveState(stateDir)?.processes ?? [];
  return records.map(({ name, identity, state }) => {
    if (identity === undefined) throw new CliError(`${name} does not run (${state})`, { advice: ['./oxo status'] });
    return { name: serviceOf(name), pid: identity.pid };
  });
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../cli/cli-error.ts';
import { readSettings, type Settings } from '../settings.ts';
import { planStack } from '../stack/plan.ts';
import { isAlive } from '../supervisor/proc.ts';
import { orphansOf, readState, type StackState, withRunningSettings } from '../supervisor/state.ts';
import { limitsProbe, limitsRedisProbe, natsProbe, redisProbe } from './brokers.ts';
import { examine, type Finding, type Probe } from './examination.ts';
import { machineProbes } from './machine.ts';
import { observabilityProbe } from './observability.ts';
import { postgresProbes } from './postgres.ts';
import { portProbe, processProbes } from './processes.ts';
import { secretsProbe } from './secrets.ts';
import { stateFolderProbes } from './state-folder.ts';

/** Looks at everything that these settings lead to. Never rejects because of what it finds. */
export async function diagnose(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const wrong: Finding[] = [];
  const settings = readOr(() => readSettings(env), 'environment', wrong);
  if (settings === undefined) return wrong;
  const machine = [...machineProbes(settings), ...stateFolderProbes(settings.stateDir)];
  const live = readRunningStateQuietly(settings.stateDir);
  const running: Settings = live === undefined ? settings : withRunningSettings(settings);
  if (live !== undefined && live.portBase !== settings.portBase && env.OXO_PORT_BASE !== undefined) {
    const message = `OXO_PORT_BASE says ${settings.portBase}, the stack runs on ${live.portBase}`;
    wrong.push({
      area: 'settings',
      name: 'environment',
      verdict: 'warn',
      message,
      next: './oxo down, then up, moves it',
    });
  }
  // Without secrets there is nothing to be asked, and planning would make them.
  const plan = existsSync(join(settings.stateDir, 'secrets.json'))
    ? readOr(() => planStack(running), 'secrets', wrong)
    : undefined;
  const probes: Probe[] = [...machine];
  if (plan !== undefined) {
    probes.push(portProbe(plan), secretsProbe(plan));
    if (live !== undefined) probes.push(...processProbes(plan, live));
    const { databaseUrl, redisUrl, natsUrl, limitsRedisUrl } = plan.own;
    if (live !== undefined || databaseUrl !== undefined) probes.push(...postgresProbes(plan));
    if (live !== undefined || redisUrl !== undefined) probes.push(redisProbe(plan));
    if (live !== undefined || natsUrl !== undefined) probes.push(natsProbe(plan));
    if (redisUrl === undefined && (live !== undefined || limitsRedisUrl !== undefined))
      probes.push(limitsRedisProbe(plan));
    if (live?.processes.some(({ name }) => name === 'envoy')) probes.push(limitsProbe(plan, live));
    if (live !== undefined && plan.urls.prometheus !== undefined)
      probes.push(observabilityProbe(plan.urls.prometheus, live));
  }
  return [...wrong, ...(await examine(probes))];
}

/** What a setting or a file makes impossible is a finding like others. */
function readOr<T>(read: () => T, name: string, wrong: Finding[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    wrong.push({ area: 'settings', name, verdict: 'fail', message: error.message, next: error.advice.join('; ') });
    return undefined;
  }
}

/** Of a stack whose supervisor lives, or has died and left something. A damaged state file is told by the probe of the state folder. */
function readRunningStateQuietly(stateDir: string): StackState | undefined {
  try {
    const state = readState(stateDir);
    if (state === undefined) return undefined;
    return isAlive(state.supervisor) || orphansOf(state).length > 0 ? state : undefined;
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

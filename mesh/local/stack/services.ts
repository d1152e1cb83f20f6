import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { nodeArguments, type ServiceDefinition, serviceEnvironment } from '../services.ts';
import { repositoryRoot } from '../settings.ts';
import { logPathOf } from '../supervisor/group.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import { appendLog } from '../supervisor/log-file.ts';
import { linesInWords } from '../supervisor/log-words.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import type { StackPlan } from './plan.ts';
import { type Instance, opsPort, type Replica } from './replicas.ts';
import { whyNotReady } from './serving.ts';
import { releaseOf } from './version.ts';

const run = promisify(execFile);
const migrateTimeoutMs = 120_000;

/** The whole environment of one process of a service of this stack. */
export function environmentOf(plan: StackPlan, instance: Replica): Record<string, string> {
  const { OXO_VERSION: given = '' } = process.env;
  return {
    OXO_VERSION: given === '' ? ownRelease() : given,
    ...serviceEnvironment(instance, plan.context),
    ...plan.serviceEnv(instance.service.name),
  };
}

let release: string | undefined;

/** Asked once: what this process starts is what it found when it began, as the digest in its state. */
function ownRelease(): string {
  release ??= releaseOf();
  return release;
}

/**
 * Runs the migrations of one service; what they print goes to its own log.
 * @throws CliError with the end of what they printed
 */
export async function migrate(
  plan: StackPlan,
  service: ServiceDefinition,
  direction: 'up' | 'down',
  signal?: AbortSignal,
): Promise<void> {
  if (service.migrate === undefined) return;
  const logPath = logPathOf(plan.logDir, `migrate-${service.name}`);
  try {
    const { stdout, stderr } = await run(process.execPath, [service.migrate, direction], {
      cwd: repositoryRoot,
      env: environmentOf(plan, { service, replica: 0 }),
      timeout: migrateTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    appendLog(logPath, `${stdout}${stderr}`);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    appendLog(logPath, `${stdout}${stderr}`);
    throw new CliError(`the migrations of ${service.name} failed`, {
      advice: [...linesInWords(`${stdout}${stderr}` || messageOf(error)).slice(-8), `Its log: ${logPath}`],
      cause: error,
    });
  }
}

/** How to run one process of a service. */
export function serviceSpec(plan: StackPlan, instance: Instance): ProcessSpec {
  const { service, name } = instance;
  const readyUrl = `${plan.urls.operations[name]}/readyz`;
  return {
    name,
    command: process.execPath,
    args: [...nodeArguments, service.main],
    env: environmentOf(plan, instance),
    cwd: repositoryRoot,
    logPath: logPathOf(plan.logDir, name),
    probe: () => isOk(readyUrl),
    readyTimeoutMs: 60_000,
    reason: () => whyNotReady(plan.urls.operations[name] ?? ''),
    heartbeat: httpHeartbeat(opsPort(plan.portBase, instance), '/livez'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 15_000,
  };
}

/** Whether a URL answers 200 within a second. */
export async function isOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}

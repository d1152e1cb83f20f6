import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';
import { processVariable, stackVariable, supervisorVariable } from '../servers/environment.ts';
import {
  environmentVariable,
  isAlive,
  type ProcessIdentity,
  parentOf,
  processesWithEnvironment,
  signal,
} from './proc.ts';
import { DamagedStateError, orphansOf, type ProcessRecord, readState } from './state.ts';

const gracefulMs = 15_000;
const stopTimeoutMs = 90_000;
const pollMs = 20;

type Orphan = Pick<ProcessRecord, 'name' | 'stopSignal' | 'identity'>;

/**
 * Stops what a supervisor that was killed left behind, in reverse order of its start. The state file need not be whole.
 * @returns names of the processes
 */
export async function stopOrphans(stateDir: string): Promise<string[]> {
  const recorded = recordedOrphans(stateDir);
  const known = new Set(recorded.map(({ identity }) => identity?.pid));
  const unrecorded = markedProcesses(stateDir).filter(({ identity }) => !known.has(identity?.pid));
  const orphans = [...recorded, ...unrecorded].toReversed();
  for (const orphan of orphans) await stopOne(orphan);
  return orphans.map((orphan) => orphan.name);
}

/** The supervisor of a stack by its environment, for when the state file does not name it. */
export function findSupervisor(stateDir: string): ProcessIdentity | undefined {
  return processesWithEnvironment(`${supervisorVariable}=${realPath(stateDir)}`)[0];
}

/** Names of the processes of a stack by their environment, the supervisor's first: for when there is no state file. */
export function findProcesses(stateDir: string): string[] {
  const supervisor = findSupervisor(stateDir) === undefined ? [] : ['supervisor'];
  return [...supervisor, ...markedProcesses(stateDir).map(({ name }) => name)];
}

/**
 * Resolves when it and everything it owns has ended.
 * @throws CliError after a minute and a half
 */
export async function stopSupervisor(supervisor: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + stopTimeoutMs;
  signal(supervisor, 'SIGTERM');
  signal(supervisor, 'SIGCONT');
  while (isAlive(supervisor)) {
    if (performance.now() > deadline) {
      throw new CliError(`the supervisor (process ${supervisor.pid}) does not stop`, {
        advice: [`kill -9 ${supervisor.pid}, then ./oxo down again to stop the rest`],
      });
    }
    await delay(pollMs);
  }
}

/** The path by which a stack knows its state folder. */
export function realPath(stateDir: string): string {
  try {
    return realpathSync(stateDir);
  } catch {
    // A folder that is gone is still known by the place where it lay.
    return stateDir === dirname(stateDir) ? stateDir : join(realPath(dirname(stateDir)), basename(stateDir));
  }
}

function recordedOrphans(stateDir: string): readonly Orphan[] {
  try {
    const state = readState(stateDir);
    return state === undefined ? [] : orphansOf(state);
  } catch (error) {
    if (error instanceof DamagedStateError) return [];
    throw error;
  }
}

/** Without the processes that servers start themselves: they belong to their parents. */
function markedProcesses(stateDir: string): readonly Orphan[] {
  const found = processesWithEnvironment(`${stackVariable}=${realPath(stateDir)}`);
  const pids = new Set(found.map(({ pid }) => pid));
  return found
    .filter(({ pid }) => !pids.has(parentOf(pid) ?? 0))
    .map((identity) => {
      const [name = '', stopSignal = 'SIGTERM'] = (environmentVariable(identity.pid, processVariable) ?? '').split(':');
      return { name, stopSignal: stopSignal as NodeJS.Signals, identity };
    });
}

async function stopOne({ identity, stopSignal }: Orphan): Promise<void> {
  if (identity === undefined || !signal(identity, stopSignal)) return;
  signal(identity, 'SIGCONT');
  const deadline = performance.now() + gracefulMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) signal(identity, 'SIGKILL');
    await delay(pollMs);
  }
}

import { CliError } from '../../cli/cli-error.ts';
import type { Settings } from '../../settings.ts';
import { findSupervisor } from '../../supervisor/orphans.ts';
import { DamagedStateError, discardState, readLiveState, type StackState } from '../../supervisor/state.ts';

/** A damaged state file is written anew by the next supervisor, unless one runs that nothing can be known about. */
export function runningState({ stateDir }: Settings): StackState | undefined {
  try {
    return readLiveState(stateDir);
  } catch (error) {
    if (!(error instanceof DamagedStateError) || findSupervisor(stateDir) !== undefined) throw error;
    discardState(stateDir);
    return undefined;
  }
}

export function requireSamePorts(running: StackState, settings: Settings): void {
  if (running.portBase === settings.portBase) return;
  throw new CliError(`already running on port ${running.portBase}, not ${settings.portBase}`, {
    advice: ['./oxo down first, or another OXO_STATE_DIR for a second stack'],
  });
}

export function requireSameReplicas(running: StackState, wanted: number | undefined): void {
  if (wanted === undefined || running.replicas === wanted) return;
  const processes = (count: number): string => `${count} ${count === 1 ? 'process' : 'processes'}`;
  throw new CliError(`already running with ${processes(running.replicas)} of every service, not ${wanted}`, {
    advice: [`./oxo down && ./oxo up --replicas ${wanted} starts with ${processes(wanted)} of each; data stays`],
  });
}

import { type Command, parseFlags } from '../cli/command.ts';
import { readSettings } from '../settings.ts';
import { findSupervisor, stopOrphans, stopSupervisor } from '../supervisor/orphans.ts';
import { DamagedStateError, readLiveState, type StackState } from '../supervisor/state.ts';

export const command: Command = {
  usage: `usage: ./oxo down

Stops the front door, then the services, then the servers, each cleanly. Data stays in .oxo/ (OXO_STATE_DIR);
to start anew, remove that folder while everything is down.`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  parseFlags(argv, {});
  const { stateDir } = readSettings(process.env);
  const startedAtMs = performance.now();
  const seconds = (): string => ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  const live = liveState(stateDir);
  let supervisor = live?.supervisor ?? findSupervisor(stateDir);
  if (supervisor === undefined) {
    const orphans = await stopOrphans(stateDir);
    console.log(
      orphans.length === 0 ? 'nothing is running' : `stopped what a dead supervisor left: ${orphans.join(', ')}`,
    );
    return 0;
  }
  // While one is told to stop, another may be about to take its stack over.
  for (; supervisor !== undefined; supervisor = findSupervisor(stateDir)) await stopSupervisor(supervisor);
  // A supervisor that died while stopping leaves the rest to us.
  await stopOrphans(stateDir);
  const names = live?.processes.map((record) => record.name) ?? ['everything'];
  console.log(`stopped in ${seconds()} s: ${names.join(', ')}`);
  return 0;
}

/** Also without a state file that can be read there is something to stop. */
function liveState(stateDir: string): StackState | undefined {
  try {
    return readLiveState(stateDir);
  } catch (error) {
    if (!(error instanceof DamagedStateError)) throw error;
    console.error(`oxo: ${error.message}; what runs is found without it`);
    return undefined;
  }
}

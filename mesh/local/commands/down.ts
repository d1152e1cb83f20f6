import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import { type Command, parseFlags } from '../command.ts';
import { readSettings } from '../settings.ts';
import { stopOrphans } from '../supervisor/orphans.ts';
import { isAlive, signal } from '../supervisor/proc.ts';
import { readLiveState } from '../supervisor/state.ts';

const stopTimeoutMs = 90_000;
const pollMs = 50;

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
  const live = readLiveState(stateDir);
  if (live === undefined) {
    const orphans = await stopOrphans(stateDir);
    console.log(
      orphans.length === 0 ? 'nothing is running' : `stopped what a dead supervisor left: ${orphans.join(', ')}`,
    );
    return 0;
  }
  signal(live.supervisor, 'SIGTERM');
  signal(live.supervisor, 'SIGCONT');
  while (isAlive(live.supervisor)) {
    if (performance.now() - startedAtMs > stopTimeoutMs) {
      throw new CliError(`the supervisor (process ${live.supervisor.pid}) does not stop`, {
        advice: [`kill -9 ${live.supervisor.pid}, then ./oxo down again to stop the rest`],
      });
    }
    await delay(pollMs);
  }
  // A supervisor that died while stopping leaves the rest to us.
  await stopOrphans(stateDir);
  console.log(`stopped in ${seconds()} s: ${live.processes.map((record) => record.name).join(', ')}`);
  return 0;
}

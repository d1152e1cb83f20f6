import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '#kit/clock.ts';
import { writeBackup } from '../backup/backup.ts';
import { backupFiles } from '../backup/manifest.ts';
import { requireNoRestore } from '../backup/mark.ts';
import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { abortOnInterrupt } from '../cli/interrupt.ts';
import { createPhases } from '../cli/terminal.ts';
import { readSettings } from '../settings.ts';
import { planStack } from '../stack/plan.ts';
import { readLiveState, withRunningSettings } from '../supervisor/state.ts';

export const command: Command = {
  usage: `usage: ./oxo backup [--to FOLDER]

Saves all that cannot be made anew, while people go on: the tables (pg_dump, one snapshot of all schemas), the streams, and
the secrets without which neither tables nor signing keys can be used. Redis is left out: it is made anew from Postgres.
With a description of what is in it, checksums, and counts that ./oxo restore compares.

The folder holds every password and key of the stack and all that people wrote. It is closed to others (mode 0700); encrypt
it before it leaves this machine.

  --to FOLDER  a folder that does not exist yet (.oxo/backups/<time>)`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, { to: { type: 'string' } });
  const settings = withRunningSettings(readSettings(process.env));
  requireNoRestore(settings.stateDir);
  const { databaseUrl, natsUrl } = settings.own;
  if (readLiveState(settings.stateDir) === undefined && (databaseUrl === undefined || natsUrl === undefined)) {
    throw new CliError('the servers are down', { advice: ['./oxo up --servers starts them'] });
  }
  const plan = planStack(settings);
  const stamp = new Date(systemClock.nowMs()).toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = resolve(values.to ?? join(plan.stateDir, 'backups', stamp));
  if (existsSync(folder)) {
    throw new CliError(`${folder} exists already`, { exitCode: 2, advice: ['--to must name a folder that does not'] });
  }
  const signal = abortOnInterrupt('the unfinished folder is removed');
  const { files } = await writeBackup(plan, folder, createPhases().step, signal);
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  console.log(`${folder}: ${(bytes / 1e6).toFixed(1)} MB; ./oxo restore ${folder} puts it into an empty stack`);
  console.log(
    `It holds every password and key of this stack (${backupFiles.secrets}): encrypt it before it leaves this machine.`,
  );
  return 0;
}

import { resolve } from 'node:path';
import { restoreBackup } from '../backup/restore.ts';
import { CliError } from '../cli-error.ts';
import { type Command, parseFlags } from '../command.ts';
import { readSettings } from '../settings.ts';
import { createPhases } from '../terminal.ts';

export const command: Command = {
  usage: `usage: ./oxo restore FOLDER [--force]

Fills an empty stack that is down (OXO_STATE_DIR) with a backup of ./oxo backup: checks the checksums before it touches
anything, starts the servers, restores tables, streams and secrets, compares what is there with what was saved, and stops
them. ./oxo up then migrates to this release if the backup is older, and starts everything.

No event is lost: what was not published waits in the outboxes, and what consumers had not handled is delivered to them
again, which changes nothing when they had. Everybody's session goes on; access tokens of another OXO_PUBLIC_URL or port are
refused, and clients refresh.

  --force  also where there is something already: the data in OXO_STATE_DIR is moved aside and kept, that on servers
           of your own (DATABASE_URL, NATS_URL) is replaced`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { force: { type: 'boolean', default: false } }, 1);
  const [folder] = positionals;
  if (folder === undefined) throw new CliError('say which backup: ./oxo restore FOLDER', { exitCode: 2 });
  const options = { force: values.force, step: createPhases().step };
  const { aside } = await restoreBackup(readSettings(process.env), resolve(folder), options);
  if (aside !== undefined) console.log(`what was there is kept in ${aside}`);
  console.log('restored and compared; ./oxo up starts it');
  return 0;
}

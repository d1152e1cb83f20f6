import { resolve } from 'node:path';
import { undoRestore } from '../backup/mark.ts';
import { restoreBackup } from '../backup/restore.ts';
import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { abortOnInterrupt } from '../cli/interrupt.ts';
import { createPhases } from '../cli/terminal.ts';
import { readSettings } from '../settings.ts';

export const command: Command = {
  usage: `usage: ./oxo restore FOLDER [--force] [--end-sessions]
       ./oxo restore --undo

Fills an empty stack that is down (OXO_STATE_DIR) with a backup of ./oxo backup: checks the checksums before it touches
anything, starts the servers, restores tables, streams and secrets, compares what is there with what was saved, and stops
them. ./oxo up then migrates to this release if the backup is older, and starts everything.

No event is lost: what was not published waits in the outboxes, and what consumers had not handled is delivered to them
again, which changes nothing when they had. Everybody's session goes on; access tokens of another OXO_PUBLIC_URL or port are
refused, and clients refresh.
What ended after the backup is there again: accounts and posts that were deleted, sessions that were signed out or revoked,
API keys that were revoked, passwords and keys that were changed, administrators who are none any more, people who were
unfollowed. Nothing tells which they were. Delete again who asked to be deleted since (keep that list outside this stack). If a
session or a key may be in wrong hands, --end-sessions: everybody signs in again, makes new API keys and is asked anew what apps may do, and the keys that signed tokens are dropped by ./oxo keys
rotate --force after ./oxo up.

Restore only backups that you trust: a backup holds every password and key, and what is in its tables and functions is run as
the role of its service. Nothing of it runs as an administrator.

A signal (Ctrl-C) stops it, and what was there is back.

  --undo   after a restore that was killed: puts back what was there before; on servers of your own what was replaced is
           lost, restore again there
  --force  also where there is something already: the data in OXO_STATE_DIR is moved aside and kept, that on servers
           of your own (DATABASE_URL, NATS_URL) is replaced
  --end-sessions  nobody stays signed in, no API key works, no app has anything granted; access tokens last up to 15 minutes more, unless the keys are
           dropped as well`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseFlags(argv, { force: flag, undo: flag, 'end-sessions': flag }, 1);
  const [folder] = positionals;
  const settings = readSettings(process.env);
  if (values.undo) {
    if (folder !== undefined) throw new CliError('--undo takes no folder', { exitCode: 2 });
    const { present } = await undoRestore(settings.stateDir);
    console.log(
      `${present.length === 0 ? 'the folder is empty again' : `${present.join(' and ')} are back`}; ./oxo up`,
    );
    return 0;
  }
  if (folder === undefined) throw new CliError('say which backup: ./oxo restore FOLDER', { exitCode: 2 });
  const signal = abortOnInterrupt('stopping what was begun, and putting back what was there');
  const options = {
    force: values.force,
    endSessions: values['end-sessions'],
    step: createPhases().step,
    signal,
  };
  const { aside } = await restoreBackup(settings, resolve(folder), options).catch((error: unknown) => {
    if (signal.aborted) console.error('oxo: stopped; what was there is as it was');
    throw error;
  });
  if (aside !== undefined) console.log(`what was there is kept in ${aside}`);
  console.log('restored and compared; ./oxo up starts it');
  return 0;
}

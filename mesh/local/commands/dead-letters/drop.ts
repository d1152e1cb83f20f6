import type { NatsConnection } from '@nats-io/transport-node';
import { type DeadLetter, dropDeadLetter } from '#kit/events/consumers/dead-letters.ts';
import { CliError } from '../../cli/cli-error.ts';
import { parseFlags } from '../../cli/command.ts';
import { confirm } from '../../cli/terminal.ts';
import { withEvents } from '../../events/connection.ts';
import { nameOf, readSelection, type Selection, select, selectionFlags } from './letters.ts';

/** More are dropped in several commands: each is remembered until it was agreed to. */
const maxLetters = 100_000;

export async function drop(argv: readonly string[]): Promise<number> {
  const flags = { ...selectionFlags, yes: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseFlags(argv, flags, Number.POSITIVE_INFINITY);
  const selection = readSelection(positionals, values);
  return withEvents((connection) => dropAll(connection, selection, values.yes));
}

async function dropAll(connection: NatsConnection, selection: Selection, yes: boolean): Promise<number> {
  const letters: Pick<DeadLetter, 'id'>[] = [];
  for await (const letter of select(connection, selection)) {
    if (!yes && letters.length < 20) console.log(nameOf(letter));
    if (letters.push({ id: letter.id }) === maxLetters) break;
  }
  if (letters.length === 0) {
    console.log('no dead letters');
    return 0;
  }
  if (!yes && !(await confirm(`Forget ${letters.length === 1 ? 'this letter' : `these ${letters.length} letters`}?`))) {
    throw new CliError('nothing was dropped', { advice: ['Say --yes where nobody can be asked.'] });
  }
  let dropped = 0;
  for (const letter of letters) if (await dropDeadLetter(connection, letter)) dropped += 1;
  console.log(`${dropped} dropped`);
  return 0;
}

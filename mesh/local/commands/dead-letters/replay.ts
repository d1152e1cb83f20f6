import type { NatsConnection } from '@nats-io/transport-node';
import { NotReplayableError, replayDeadLetter } from '#kit/events/consumers/dead-letters.ts';
import { CliError, messageOf } from '../../cli/cli-error.ts';
import { parseFlags } from '../../cli/command.ts';
import { printableLine } from '../../cli/printable.ts';
import { withEvents } from '../../events/connection.ts';
import { nameOf, readSelection, type Selection, select, selectionFlags } from './letters.ts';

export async function replay(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, selectionFlags, Number.POSITIVE_INFINITY);
  const selection = readSelection(positionals, values);
  const { replayed, left } = await withEvents((connection) => replayAll(connection, selection));
  if (replayed + left === 0) console.log('no dead letters');
  else
    console.log(
      `${replayed} replayed${left > 0 ? `, ${left} left` : ''}; ./oxo status shows what their consumers make of it`,
    );
  return left === 0 ? 0 : 1;
}

async function replayAll(connection: NatsConnection, selection: Selection) {
  let replayed = 0;
  let left = 0;
  for await (const letter of select(connection, selection)) {
    try {
      await replayDeadLetter(connection, letter);
      replayed += 1;
      console.log(`replayed  ${nameOf(letter)}`);
    } catch (error) {
      if (!(error instanceof NotReplayableError)) throw interrupted(replayed, error);
      left += 1;
      console.log(`left      ${nameOf(letter)}: ${printableLine(error.message)}`);
    }
  }
  return { replayed, left };
}

function interrupted(replayed: number, error: unknown): CliError {
  return new CliError(`${replayed} letters were replayed, then NATS did not take the next: ${messageOf(error)}`, {
    advice: [
      'Nothing is lost: what was not replayed is still listed. ./oxo status tells whether NATS runs; then say it again.',
    ],
    cause: error,
  });
}

import type { NatsConnection } from '@nats-io/transport-node';
import { type DeadLetter, findDeadLetter, readDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { CliError } from '../../cli/cli-error.ts';
import { printableLine } from '../../cli/printable.ts';

/** Which letters a command is about: those that are named, or all (of one consumer). */
export type Selection = { readonly ids: readonly number[] } | { readonly consumer: string | undefined };

/** Flags of the commands that change something. */
export const selectionFlags = {
  all: { type: 'boolean', default: false },
  consumer: { type: 'string' },
} as const;

/** @throws CliError (exit code 2) unless it is either ids or --all */
export function readSelection(
  words: readonly string[],
  { all, consumer }: { readonly all: boolean; readonly consumer?: string | undefined },
): Selection {
  if (all === words.length > 0) throw new CliError('name the ids of letters, or say --all', { exitCode: 2 });
  if (all) return { consumer };
  if (consumer !== undefined) throw new CliError('--consumer goes with --all', { exitCode: 2 });
  return { ids: words.map(readId) };
}

/** @throws CliError (exit code 2) */
export function readId(word: string | undefined): number {
  if (word !== undefined && /^[1-9]\d{0,14}$/.test(word)) return Number(word);
  const problem = word === undefined ? 'the id of a letter is missing' : `"${word}" is no id of a letter`;
  throw new CliError(problem, { exitCode: 2, advice: ['./oxo dead-letters list shows them'] });
}

/** The letters, oldest first. An id that is not there is told before the first is given. */
export async function* select(connection: NatsConnection, selection: Selection): AsyncGenerator<DeadLetter> {
  if (!('ids' in selection)) {
    yield* readDeadLetters(connection, selection.consumer);
    return;
  }
  const ids = [...new Set(selection.ids)].sort((a, b) => a - b);
  const letters: DeadLetter[] = [];
  for (const id of ids) letters.push(await requireLetter(connection, id));
  yield* letters;
}

/** @throws CliError when there is none of this id */
export async function requireLetter(connection: NatsConnection, id: number): Promise<DeadLetter> {
  const letter = await findDeadLetter(connection, id);
  if (letter !== undefined) return letter;
  throw new CliError(`there is no dead letter ${id}`, {
    advice: [
      'It was replayed or dropped, or is older than 30 days. ./oxo dead-letters list shows those that are left.',
    ],
  });
}

/** One letter in a line. */
export function nameOf({ id, consumer, subject, eventId }: DeadLetter): string {
  return printableLine(`${id}  ${consumer}  ${subject ?? '(expired)'}${eventId === undefined ? '' : `  ${eventId}`}`);
}

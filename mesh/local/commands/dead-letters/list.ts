import { type DeadLetter, listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { CliError } from '../../cli/cli-error.ts';
import { parseFlags } from '../../cli/command.ts';
import { printableLine } from '../../cli/printable.ts';
import { formatTable } from '../../cli/terminal.ts';
import { withEvents } from '../../events/connection.ts';

export const defaultLimit = 100;
export const maxLimit = 1_000;
const timeoutMs = 10_000;

export async function list(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, {
    json: { type: 'boolean', default: false },
    consumer: { type: 'string' },
    count: { type: 'string', short: 'n', default: String(defaultLimit) },
  });
  const limit = Number(values.count);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new CliError(`-n must be a number from 1 to ${maxLimit}, not "${values.count}"`, { exitCode: 2 });
  }
  const letters = await withEvents((connection) => listDeadLetters(connection, limit, values.consumer), timeoutMs);
  if (values.json) console.log(JSON.stringify(letters.map(toRow), null, 2));
  else if (letters.length > 0) console.log(render(letters));
  else console.log(values.consumer === undefined ? 'no dead letters' : `no dead letters of ${values.consumer}`);
  return 0;
}

/** What may be shown: not the event's content, which holds what people wrote. */
export function toRow(letter: DeadLetter) {
  return {
    id: letter.id,
    time: letter.time.toISOString(),
    consumer: letter.consumer,
    subject: letter.subject,
    eventId: letter.eventId,
    deliveries: letter.deliveries,
    reason: letter.reason,
  };
}

function render(letters: readonly DeadLetter[]): string {
  const rows = letters
    .map(toRow)
    .map((row) => [
      String(row.id),
      row.time.slice(0, 19).replace('T', ' '),
      row.consumer,
      row.subject ?? '(expired)',
      row.eventId ?? '-',
      String(row.deliveries),
      row.reason,
    ])
    .map((cells) => cells.map(printableLine));
  return formatTable([['id', 'time', 'consumer', 'subject', 'event', 'deliveries', 'reason'], ...rows]);
}

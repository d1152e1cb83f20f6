import { type DeadLetter, listDeadLetters } from '#kit/events/dead-letters.ts';
import { withTimeLimit } from '#kit/time-limit.ts';
import { CliError, messageOf } from '../cli-error.ts';
import { type Command, parseFlags } from '../command.ts';
import { connectOnce } from '../servers/nats.ts';
import { readSettings } from '../settings.ts';
import { planStack } from '../stack/plan.ts';
import { withRunningSettings } from '../supervisor/state.ts';
import { formatTable } from '../terminal.ts';

const defaultLimit = 100;
const maxLimit = 1_000;
const connectTimeoutMs = 2_000;
const listTimeoutMs = 10_000;

export const command: Command = {
  usage: `usage: ./oxo dead-letters list [-n COUNT] [--json]

Shows the events that ran out of deliveries or were refused by their consumer, newest first, each with its reason.

  -n COUNT  at most this many (${defaultLimit}, up to ${maxLimit})
  --json    the same for programs`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(
    argv,
    { json: { type: 'boolean', default: false }, count: { type: 'string', short: 'n', default: String(defaultLimit) } },
    1,
  );
  if (positionals[0] !== 'list') throw new CliError('say ./oxo dead-letters list', { exitCode: 2 });
  const limit = Number(values.count);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new CliError(`-n must be a number from 1 to ${maxLimit}, not "${values.count}"`, { exitCode: 2 });
  }
  const letters = await read(limit);
  if (values.json) console.log(JSON.stringify(letters.map(toRow), null, 2));
  else if (letters.length === 0) console.log('no dead letters');
  else console.log(render(letters));
  return 0;
}

async function read(limit: number): Promise<DeadLetter[]> {
  const plan = planStack(withRunningSettings(readSettings(process.env)));
  const connection = await connectOnce(plan.urls.nats, connectTimeoutMs).catch((error) => {
    throw new CliError(`NATS is away: ${messageOf(error)}`, {
      advice: ['./oxo status tells whether it runs; ./oxo up starts it'],
      cause: error,
    });
  });
  try {
    return await withTimeLimit(listDeadLetters(connection, limit), listTimeoutMs, 'NATS is not answering');
  } finally {
    await connection.close();
  }
}

/** What may be shown: not the event's content, which holds what people wrote. */
function toRow(letter: DeadLetter) {
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
    ]);
  return formatTable([['id', 'time', 'consumer', 'subject', 'event', 'deliveries', 'reason'], ...rows]);
}

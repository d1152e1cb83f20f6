import type { MsgHdrs } from '@nats-io/transport-node';
import type { DeadLetter } from '#kit/events/consumers/dead-letters.ts';
import { redactSecrets } from '#kit/observability/redact.ts';
import { parseFlags } from '../../cli/command.ts';
import { printable, printableLine } from '../../cli/printable.ts';
import { withEvents } from '../../events/connection.ts';
import { type DecodedPayload, decodePayload } from '../../events/payload.ts';
import { readId, requireLetter } from './letters.ts';
import { toRow } from './list.ts';

const timeoutMs = 10_000;

export async function show(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { json: { type: 'boolean', default: false } }, 1);
  const id = readId(positionals[0]);
  const letter = await withEvents((connection) => requireLetter(connection, id), timeoutMs);
  const details = await detailsOf(letter);
  console.log(values.json ? JSON.stringify(details, null, 2) : render(details));
  return 0;
}

const expired = 'expired: its stream keeps events for 14 days; the letter can only be dropped';

type Details = Awaited<ReturnType<typeof detailsOf>>;

/** Events hold no secrets; a field or header that is named like one is left out nevertheless. */
async function detailsOf(letter: DeadLetter) {
  const { event, subject } = letter;
  return {
    ...toRow(letter),
    stream: letter.stream,
    streamSequence: letter.streamSequence,
    storedAt: event?.timestamp,
    headers: event === undefined ? undefined : redactSecrets(headersOf(event)),
    payload: event === undefined || subject === undefined ? undefined : await decode(subject, event.data),
  };
}

function headersOf({ header }: { readonly header?: MsgHdrs }): Record<string, string> {
  // An event of somebody else may have none, whatever its type says.
  if (header === undefined) return {};
  return Object.fromEntries([...header.keys()].map((name) => [name, header.values(name).join(', ')]));
}

async function decode(subject: string, bytes: Uint8Array): Promise<DecodedPayload> {
  return redactSecrets(await decodePayload(subject, bytes));
}

function render(details: Details): string {
  const rows: [string, unknown][] = [
    ['consumer', details.consumer],
    [
      'given up',
      `${details.time}, after ${details.deliveries} ${details.deliveries === 1 ? 'delivery' : 'deliveries'}`,
    ],
    ['reason', details.reason],
    ['event', details.subject === undefined ? expired : (details.eventId ?? 'without an id (ce-id)')],
    ['subject', details.subject],
    ['stored', details.storedAt && `${details.storedAt}, ${details.stream} ${details.streamSequence}`],
  ];
  const parts = [`dead letter ${details.id}`, lines(rows)];
  const headers = Object.entries(details.headers ?? {});
  if (headers.length > 0) parts.push('headers', lines(headers));
  if (details.payload !== undefined) parts.push(...renderPayload(details.payload));
  return parts.join('\n');
}

function renderPayload({ type, message, problem, bytes }: DecodedPayload): string[] {
  if (problem !== undefined) return [`payload: ${bytes} bytes, ${printable(problem)}`];
  return [
    `payload (${type}, ${bytes} bytes)`,
    `  ${printable(JSON.stringify(message, null, 2)).replaceAll('\n', '\n  ')}`,
  ];
}

function lines(rows: readonly (readonly [string, unknown])[]): string {
  const known = rows.filter(([, value]) => value !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  const indent = `\n${' '.repeat(width + 4)}`;
  const shown = (value: unknown): string => printable(String(value)).replaceAll('\n', indent);
  return known.map(([name, value]) => `  ${printableLine(name).padEnd(width)}  ${shown(value)}`).join('\n');
}

/** Streams as the server itself writes them, by its snapshot API: with their numbers, times and headers. */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type JetStreamManager, jetstreamManager, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { withTimeLimit } from '#kit/time-limit.ts';
import { CliError } from '../cli/cli-error.ts';

/** Under the server's limit of a message. */
const chunkBytes = 64 * 1024;
/** Between two pieces. */
const pieceTimeoutMs = 30_000;

type ApiAnswer = { readonly error?: { readonly description: string } };
/** What the server tells of a snapshot and wants to be told at its restore. */
export type Snapshot = { readonly config: StreamConfig; readonly state: StreamInfo['state'] };

/** Writes a stream's messages into a file. Its consumers are left out: what they had handled is another question. */
export async function saveStream(connection: NatsConnection, stream: string, file: string): Promise<Snapshot> {
  const inbox = createInbox();
  const output = await open(file, 'wx', 0o600);
  const pieces = connection.subscribe(inbox);
  try {
    const request = { deliver_subject: inbox, chunk_size: chunkBytes, no_consumers: true };
    const answer = await ask<Snapshot>(connection, `$JS.API.STREAM.SNAPSHOT.${stream}`, request);
    const iterator = pieces[Symbol.asyncIterator]();
    for (;;) {
      const piece = await withTimeLimit(
        iterator.next(),
        pieceTimeoutMs,
        `the snapshot of ${stream} stopped in the middle`,
      );
      if (piece.done || piece.value.data.length === 0) {
        requireComplete(stream, piece.done ? undefined : piece.value);
        break;
      }
      await output.writeFile(piece.value.data);
      piece.value.respond();
    }
    await output.sync();
    return { config: answer.config, state: answer.state };
  } finally {
    await output.close();
    pieces.unsubscribe();
  }
}

/** The last piece is empty; of a snapshot that failed it says why in its headers. */
function requireComplete(stream: string, last: Msg | undefined): void {
  const status = last?.headers?.code ?? 0;
  if (last === undefined || status >= 400) {
    throw new CliError(`the snapshot of ${stream} failed: ${last?.headers?.description ?? 'the connection ended'}`);
  }
}

/**
 * Makes a stream anew from a file; there must be none of its name.
 * @throws CliError when the server refuses it, or holds something else afterwards
 */
export async function loadStream(
  connection: NatsConnection,
  stream: string,
  file: string,
  snapshot: Snapshot,
): Promise<void> {
  const subject = `$JS.API.STREAM.RESTORE.${stream}`;
  const { deliver_subject } = await ask<{ deliver_subject: string }>(connection, subject, snapshot);
  const options = { timeout: pieceTimeoutMs };
  for await (const piece of createReadStream(file, { highWaterMark: chunkBytes })) {
    requireOk(stream, await connection.request(deliver_subject, piece, options));
  }
  requireOk(stream, await connection.request(deliver_subject, undefined, options));
}

function requireOk(stream: string, answer: Msg): void {
  const { error }: ApiAnswer = answer.data.length === 0 ? {} : answer.json<ApiAnswer>();
  if (error !== undefined) throw new CliError(`NATS does not take ${stream}: ${error.description}`);
}

async function ask<T>(connection: NatsConnection, subject: string, request: object): Promise<T> {
  const answer = await connection.request(subject, JSON.stringify(request), { timeout: pieceTimeoutMs });
  const content = answer.json<T & ApiAnswer>();
  if (content.error !== undefined) throw new CliError(`NATS refuses ${subject}: ${content.error.description}`);
  return content;
}

/** Consumer → the number up to which it has handled everything. */
export async function readPositions(manager: JetStreamManager, stream: string): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  for await (const { name, ack_floor } of manager.consumers.list(stream)) positions.set(name, ack_floor.stream_seq);
  return positions;
}

/** Lets a consumer go on behind what it had handled; it gets again what came later. */
export async function setPosition(
  connection: NatsConnection,
  stream: string,
  consumer: string,
  handled: number,
): Promise<void> {
  const manager = await jetstreamManager(connection);
  if (handled > 0) await manager.consumers.reset(stream, consumer, handled + 1);
}

/**
 * Events on the wire: CloudEvents attributes and trace context as NATS headers, the payload as Protobuf bytes.
 */
import type { MsgHdrs } from '@nats-io/transport-node';
import type { MessageType } from '#kit/rpc/message.ts';

/** An event: the subject it is published on, which is also its type, and its message. */
export interface EventDefinition<T> {
  readonly subject: string;
  readonly type: MessageType<T>;
}

/** @example `export const postCreated = defineEvent('post.created', PostCreated);` */
export function defineEvent<T>(subject: string, type: MessageType<T>): EventDefinition<T> {
  return { subject, type };
}

export interface EventMetadata {
  /** UUIDv7; the same at every delivery. */
  id: string;
  subject: string;
  /** The service that it comes from. */
  source: string;
  /** When it happened. */
  time: Date;
  /** Outbox id. Of two events about one thing, the greater is the newer. */
  version: number;
  traceparent?: string;
  requestId?: string;
  /** An operator has it delivered again. */
  isReplayed?: boolean;
}

/** The headers of an event. */
export function toHeaders(metadata: EventMetadata): Record<string, string> {
  const headers: Record<string, string> = {
    'Nats-Msg-Id': metadata.id,
    'ce-specversion': '1.0',
    'ce-id': metadata.id,
    'ce-type': metadata.subject,
    'ce-source': metadata.source,
    'ce-time': metadata.time.toISOString(),
    'oxo-version': String(metadata.version),
  };
  if (metadata.traceparent !== undefined) headers.traceparent = metadata.traceparent;
  if (metadata.requestId !== undefined) headers['x-request-id'] = metadata.requestId;
  return headers;
}

/**
 * Reads the metadata of a message that was stored under `subject`.
 * @throws EnvelopeError when a header is missing or bad, when the type is not the subject, or when the message is the server's answer
 *   to a read: whoever may read a stream could have that answer sent to a subject of another's, so it must not count as published.
 */
export function readMetadata(subject: string, headers: MsgHdrs | undefined): EventMetadata {
  if (headers === undefined) throw new EnvelopeError('no headers');
  if (headers.has('Nats-Stream')) throw new EnvelopeError('a copy read from a stream, not a published event');
  return readAttributes(subject, headers);
}

/** As `readMetadata`, for a message that was read from the stream directly and so has the server's headers too. */
export function readAttributes(subject: string, headers: MsgHdrs): EventMetadata {
  const type = requireHeader(headers, 'ce-type');
  if (type !== subject) throw new EnvelopeError(`type ${type} on subject ${subject}`);
  const time = new Date(requireHeader(headers, 'ce-time'));
  if (Number.isNaN(time.getTime())) throw new EnvelopeError('bad header ce-time');
  const version = Number(requireHeader(headers, 'oxo-version'));
  if (!Number.isSafeInteger(version) || version < 0) throw new EnvelopeError('bad header oxo-version');
  return {
    id: requireHeader(headers, 'ce-id'),
    subject,
    source: requireHeader(headers, 'ce-source'),
    time,
    version,
    traceparent: headers.get('traceparent') || undefined,
    requestId: headers.get('x-request-id') || undefined,
  };
}

function requireHeader(headers: MsgHdrs, name: string): string {
  const value = headers.get(name);
  if (value === '') throw new EnvelopeError(`no header ${name}`);
  return value;
}

/** The message is not an event of ours; another delivery would not help. */
class EnvelopeError extends Error {
  override name = 'EnvelopeError';
}

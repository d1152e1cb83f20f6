/**
 * Attributes of spans, by the semantic conventions of OpenTelemetry. None holds a value of a request, a row or an event.
 */
import { Status } from 'nice-grpc-common';
import type { Attributes, Span } from '#kit/observability/trace.ts';

/** @param rpc "oxo.post.v1.PostService/CreatePost" */
export function rpcAttributes(rpc: string): Attributes {
  const slash = rpc.lastIndexOf('/');
  return { 'rpc.system': 'grpc', 'rpc.service': rpc.slice(0, slash), 'rpc.method': rpc.slice(slash + 1) };
}

/** How a call ended. */
export function noteStatus(span: Span, status: Status): void {
  span.setAttribute('rpc.grpc.status_code', status);
}

/** The codes by which a server says that it failed; with the others it says what is wrong with the request. */
const FAILURES: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.UNIMPLEMENTED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Their names, as metrics have them; dashboards and alerts call these calls failed. */
export const FAILURE_CODES: readonly string[] = [...FAILURES].map((code) => Status[code]);

/** Whether the span of a server is an error: not for the mistake of whoever called. */
export function isFailure(status: Status): boolean {
  return FAILURES.has(status);
}

/** @param statement whose name stands for the query: its text is long, and the same each time */
export function sqlAttributes({ name, text }: { name: string; text: string }): Attributes {
  const operation = /\w+/.exec(text)?.[0].toUpperCase() ?? '';
  return { 'db.system.name': 'postgresql', 'db.operation.name': operation, 'db.query.summary': name };
}

export const SQL_TRANSACTION: Attributes = { 'db.system.name': 'postgresql', 'db.operation.name': 'TRANSACTION' };

/** @param script the name of a script, for those that run one */
export function redisAttributes(operation: string, script?: string): Attributes {
  return {
    'db.system.name': 'redis',
    'db.operation.name': operation,
    ...(script === undefined ? {} : { 'db.stored_procedure.name': script }),
  };
}

/** @param type what is done with the message, by the closed list of the conventions */
export function messagingAttributes(type: 'send' | 'process', subject: string, messageId: string): Attributes {
  return {
    'messaging.system': 'nats',
    'messaging.operation.type': type,
    'messaging.operation.name': type === 'send' ? 'publish' : 'handle',
    'messaging.destination.name': subject,
    'messaging.message.id': messageId,
  };
}

import { type ClientError, type Metadata, ServerError } from 'nice-grpc-common';
import { BadRequest, ErrorInfo, RetryInfo } from '#gen/google/rpc/error_details.ts';
import { Status as RpcStatus } from '#gen/google/rpc/status.ts';
import { isReason, OxoError, type Reason } from '#kit/errors.ts';
import type { MessageType } from '#kit/rpc/message.ts';

/** The trailer in which gRPC carries google.rpc.Status; Envoy makes the REST body of it. */
const DETAILS_TRAILER = 'grpc-status-details-bin';
const RETRY_AFTER = 'retry-after';
const ERROR_DOMAIN = 'oxo';
const TYPE_PREFIX = 'type.googleapis.com/';

const ERROR_INFO = 'google.rpc.ErrorInfo';
const BAD_REQUEST = 'google.rpc.BadRequest';
const RETRY_INFO = 'google.rpc.RetryInfo';

/** The error as it leaves a server. Its details are put into the trailer. */
export function toServerError(error: OxoError, requestId: string, trailer: Metadata): ServerError {
  // An answer that is nothing but an error has its trailer as header, so REST clients find it there.
  if (error.retryAfterMs !== undefined) trailer.set(RETRY_AFTER, String(Math.ceil(error.retryAfterMs / 1_000)));
  trailer.set(DETAILS_TRAILER, encodeStatus(error, requestId));
  return new ServerError(error.code, error.message);
}

/** The error as a google.rpc.Status, as gRPC carries it beside its own code. */
export function encodeStatus(error: OxoError, requestId: string): Uint8Array {
  const details = [
    pack(ERROR_INFO, ErrorInfo, { reason: error.reason, domain: ERROR_DOMAIN, metadata: { requestId } }),
  ];
  if (error.fields.length > 0) {
    const fieldViolations = error.fields.map((violation) => ({
      ...violation,
      reason: '',
      localizedMessage: undefined,
    }));
    details.push(pack(BAD_REQUEST, BadRequest, { fieldViolations }));
  }
  if (error.retryAfterMs !== undefined) {
    const seconds = Math.floor(error.retryAfterMs / 1_000);
    const nanos = (error.retryAfterMs % 1_000) * 1_000_000;
    details.push(pack(RETRY_INFO, RetryInfo, { retryDelay: { seconds: BigInt(seconds), nanos } }));
  }
  return RpcStatus.encode({ code: error.code, message: error.message, details }).finish();
}

/** The error that a server answered, as an OxoError again. @param trailer of the failed call */
export function fromClientError(error: ClientError, trailer: Metadata | undefined): OxoError {
  const bytes = trailer?.get(DETAILS_TRAILER);
  const status = bytes === undefined ? undefined : RpcStatus.decode(bytes);
  const info = unpack(status, ERROR_INFO, ErrorInfo);
  const fields = unpack(status, BAD_REQUEST, BadRequest)?.fieldViolations ?? [];
  const delay = unpack(status, RETRY_INFO, RetryInfo)?.retryDelay;
  const reason = info !== undefined && isReason(info.reason) ? info.reason : reasonOfCode(error);
  // What the client says itself names addresses, and may get to callers outside; the cause keeps it for the log.
  return new OxoError(reason, info === undefined ? (MESSAGES[reason] ?? 'It failed.') : error.details, {
    fields: fields.map(({ field, description }) => ({ field, description })),
    retryAfterMs: delay === undefined ? undefined : Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000,
    cause: error,
  });
}

/** Messages for what has only a code. */
const MESSAGES: Partial<Record<Reason, string>> = {
  UNAVAILABLE: 'A service that is needed is away.',
  DEADLINE_EXCEEDED: 'A service that is needed gave no answer in time.',
  CANCELLED: 'The call was cancelled.',
};

/** A server that could not give a reason, because it is away or was cut off, has only its code. */
function reasonOfCode(error: ClientError): Reason {
  if (error.code === 14) return 'UNAVAILABLE';
  if (error.code === 4) return 'DEADLINE_EXCEEDED';
  return error.code === 1 ? 'CANCELLED' : 'INTERNAL';
}

function pack<Message>(name: string, type: MessageType<Message>, message: Message) {
  return { typeUrl: TYPE_PREFIX + name, value: Buffer.from(type.encode(message).finish()) };
}

function unpack<Message>(status: RpcStatus | undefined, name: string, type: MessageType<Message>): Message | undefined {
  const detail = status?.details.find((candidate) => candidate.typeUrl === TYPE_PREFIX + name);
  return detail === undefined ? undefined : type.decode(detail.value);
}

import { Status } from 'nice-grpc-common';
import type { ErrorReason } from '#gen/oxo/common/v1/error_reason.ts';

/** The name of one of the closed list of reasons in proto/oxo/common/v1/error_reason.proto. */
export type Reason = Exclude<keyof typeof ErrorReason, 'ERROR_REASON_UNSPECIFIED' | 'UNRECOGNIZED'>;

/** What is wrong with one field of a request. */
export interface FieldViolation {
  /** Name as in JSON, with dots and indexes: "links.0". */
  field: string;
  description: string;
}

/** The gRPC code of each reason. A new reason does not compile until it has one. */
const CODE_OF_REASON: Record<Reason, Status> = {
  VALIDATION_FAILED: Status.INVALID_ARGUMENT,
  REQUEST_MALFORMED: Status.INVALID_ARGUMENT,
  PAGE_TOKEN_INVALID: Status.INVALID_ARGUMENT,
  BODY_TOO_LARGE: Status.INVALID_ARGUMENT,
  SELF_FOLLOW: Status.INVALID_ARGUMENT,
  REQUEST_TIMEOUT: Status.DEADLINE_EXCEEDED,
  HEADERS_TOO_LARGE: Status.INVALID_ARGUMENT,
  CREDENTIALS_AMBIGUOUS: Status.INVALID_ARGUMENT,
  TOKEN_MISSING: Status.UNAUTHENTICATED,
  TOKEN_INVALID: Status.UNAUTHENTICATED,
  SESSION_REVOKED: Status.UNAUTHENTICATED,
  CREDENTIALS_INVALID: Status.UNAUTHENTICATED,
  REFRESH_TOKEN_INVALID: Status.UNAUTHENTICATED,
  REFRESH_TOKEN_REUSED: Status.UNAUTHENTICATED,
  SIGN_IN_TOO_OLD: Status.UNAUTHENTICATED,
  API_KEY_INVALID: Status.UNAUTHENTICATED,
  EMAIL_TOKEN_INVALID: Status.UNAUTHENTICATED,
  PASSWORD_RESET_INVALID: Status.UNAUTHENTICATED,
  OTP_INVALID: Status.UNAUTHENTICATED,
  PASSKEY_INVALID: Status.UNAUTHENTICATED,
  SCOPE_MISSING: Status.PERMISSION_DENIED,
  CALLER_NOT_ALLOWED: Status.PERMISSION_DENIED,
  NOT_AUTHOR: Status.PERMISSION_DENIED,
  FIRST_PARTY_ONLY: Status.PERMISSION_DENIED,
  ROUTE_NOT_FOUND: Status.NOT_FOUND,
  USER_NOT_FOUND: Status.NOT_FOUND,
  POST_NOT_FOUND: Status.NOT_FOUND,
  SESSION_NOT_FOUND: Status.NOT_FOUND,
  CONSENT_NOT_FOUND: Status.NOT_FOUND,
  API_KEY_NOT_FOUND: Status.NOT_FOUND,
  MFA_NOT_ENROLLED: Status.NOT_FOUND,
  PASSKEY_NOT_FOUND: Status.NOT_FOUND,
  HANDLE_TAKEN: Status.ALREADY_EXISTS,
  HANDLE_RESERVED: Status.ALREADY_EXISTS,
  MFA_ALREADY_ENROLLED: Status.ALREADY_EXISTS,
  IDEMPOTENCY_KEY_REUSED: Status.ALREADY_EXISTS,
  IDEMPOTENCY_KEY_IN_USE: Status.ABORTED,
  ETAG_MISMATCH: Status.ABORTED,
  FOLLOW_LIMIT_REACHED: Status.FAILED_PRECONDITION,
  EDIT_LIMIT_REACHED: Status.FAILED_PRECONDITION,
  API_KEY_LIMIT_REACHED: Status.FAILED_PRECONDITION,
  PASSKEY_LIMIT_REACHED: Status.FAILED_PRECONDITION,
  PASSKEYS_OFF: Status.FAILED_PRECONDITION,
  RATE_LIMITED: Status.RESOURCE_EXHAUSTED,
  UNAVAILABLE: Status.UNAVAILABLE,
  DEADLINE_EXCEEDED: Status.DEADLINE_EXCEEDED,
  CANCELLED: Status.CANCELLED,
  INTERNAL: Status.INTERNAL,
};

export interface OxoErrorDetails {
  fields?: FieldViolation[];
  /** When to try again, in milliseconds. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** The one error of OXO. Whatever leaves a handler as another error is answered as INTERNAL. */
export class OxoError extends Error {
  readonly reason: Reason;
  readonly code: Status;
  readonly fields: FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason, message: string, details: OxoErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'OxoError';
    this.reason = reason;
    this.code = CODE_OF_REASON[reason];
    this.fields = details.fields ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The error of a request with wrong fields; names all of them at once. */
export function invalidFields(fields: FieldViolation[]): OxoError {
  const summary = fields.map((violation) => `${violation.field}: ${violation.description}`).join('; ');
  return new OxoError('VALIDATION_FAILED', `The request is not valid. ${summary}`, { fields });
}

/** The error of a user who is not there, or whom the caller may not see. */
export function userNotFound(): OxoError {
  return new OxoError('USER_NOT_FOUND', 'There is no such user.');
}

/** The error of a service, or one that it needs, being away; the caller may try again. */
export function unavailable(message: string, cause?: unknown): OxoError {
  return new OxoError('UNAVAILABLE', message, { retryAfterMs: 1_000, cause });
}

/** Whether the error is an OxoError of this reason. */
export function hasReason(error: unknown, reason: Reason): boolean {
  return error instanceof OxoError && error.reason === reason;
}

/** Whether the text is the name of a reason. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(CODE_OF_REASON, text);
}

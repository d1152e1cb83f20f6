import { SECOND_MS } from '#kit/clock.ts';
import { OxoError, type Reason } from '#kit/errors.ts';
import { WEAKNESSES } from '../accounts/password-policy.ts';
import type { HttpExchange } from '../http/server.ts';
import type { Texts } from './texts/texts.ts';

/** Why a form did nothing, in words: of all of it, and of its fields. */
export interface Refusal {
  status: number;
  problem: string;
  fields: Partial<Record<string, string>>;
}

type Told = keyof Texts['refusals'];

const STATUSES: Readonly<Record<Told, number>> = {
  VALIDATION_FAILED: 400,
  HANDLE_TAKEN: 409,
  HANDLE_RESERVED: 409,
  ETAG_MISMATCH: 409,
  API_KEY_LIMIT_REACHED: 400,
  CREDENTIALS_INVALID: 400,
  OTP_INVALID: 400,
  PASSKEY_INVALID: 400,
  PASSKEY_NOT_FOUND: 404,
  PASSKEY_LIMIT_REACHED: 400,
  PASSKEYS_OFF: 400,
  MFA_NOT_ENROLLED: 400,
  MFA_ALREADY_ENROLLED: 409,
  EMAIL_TOKEN_INVALID: 400,
  PASSWORD_RESET_INVALID: 400,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
};
/** The field that a reason is about, where the error names none. */
const FIELDS: Partial<Record<Told, string>> = { HANDLE_TAKEN: 'handle', HANDLE_RESERVED: 'handle', OTP_INVALID: 'otp' };

/**
 * How a refusal is shown beside the form that was sent.
 * @param newPassword the field for a password that is being chosen: it is told what is wrong with it
 * @throws what is none that a page tells
 */
export function refusalOf(
  { response }: Pick<HttpExchange, 'response'>,
  error: unknown,
  texts: Texts,
  newPassword?: string,
): Refusal {
  if (!(error instanceof OxoError) || !isTold(error.reason)) throw error;
  const { reason, retryAfterMs } = error;
  const waitMs = retryAfterMs ?? (reason === 'UNAVAILABLE' ? SECOND_MS : undefined);
  if (waitMs !== undefined) response.setHeader('retry-after', String(Math.ceil(waitMs / SECOND_MS)));
  const problem = texts.refusals[reason];
  const of = ({ field, description }: OxoError['fields'][number]) =>
    [
      field.replace(/[[.].*/, ''),
      field === newPassword ? weakness(texts, description) : fieldText(texts, field.replace(/[[.].*/, '')),
    ] as const;
  const about = FIELDS[reason];
  const fields = about === undefined ? error.fields.map(of) : [[about, problem] as const];
  return { status: STATUSES[reason], problem, fields: Object.fromEntries(fields) };
}

function isTold(reason: Reason): reason is Told {
  return Object.hasOwn(STATUSES, reason);
}

function fieldText({ fields, refusals }: Texts, field: string): string {
  return Object.hasOwn(fields, field) ? fields[field as keyof typeof fields] : refusals.VALIDATION_FAILED;
}

function weakness({ newPassword }: Texts, description: string): string {
  const [name] = Object.entries(WEAKNESSES).find(([, text]) => text === description) ?? [];
  return name === undefined ? newPassword.LENGTH : newPassword[name as keyof typeof WEAKNESSES];
}

import { SECOND_MS } from '#kit/clock.ts';
import { OxoError, type Reason } from '#kit/errors.ts';
import type { Exchange } from '../http/server.ts';
import type { Texts } from './texts/texts.ts';

/** Why a form did nothing, in words: of all of it, and of its fields. */
export interface Refusal {
  status: number;
  problem: string;
  fields: Partial<Record<string, string>>;
}

const STATUSES: Readonly<Record<keyof Texts['refusals'], number>> = {
  VALIDATION_FAILED: 400,
  CREDENTIALS_INVALID: 400,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
};

/** How a refusal is shown beside the form that was sent. @throws what is none that a page tells */
export function refusalOf({ response }: Pick<Exchange, 'response'>, error: unknown, texts: Texts): Refusal {
  if (!(error instanceof OxoError) || !isTold(error.reason)) throw error;
  const { reason, retryAfterMs } = error;
  if (retryAfterMs !== undefined) response.setHeader('retry-after', String(Math.ceil(retryAfterMs / SECOND_MS)));
  const fields = error.fields.map(({ field }) => [field, fieldText(texts, field)]);
  return { status: STATUSES[reason], problem: texts.refusals[reason], fields: Object.fromEntries(fields) };
}

function isTold(reason: Reason): reason is keyof typeof STATUSES {
  return Object.hasOwn(STATUSES, reason);
}

function fieldText({ fields, refusals }: Texts, field: string): string {
  return Object.hasOwn(fields, field) ? fields[field as keyof typeof fields] : refusals.VALIDATION_FAILED;
}

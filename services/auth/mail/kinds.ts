import { DAY_MS, HOUR_MS } from '#kit/clock.ts';

/**
 * Every mail that there is. VERIFY_EMAIL, RESET_PASSWORD and EMAIL_CHANGE_ASKED carry a secret; EMAIL_IN_USE tells the owner of an address that somebody else
 * has given it; the rest are notices about what has happened to an account.
 */
export type MailKind =
  | 'VERIFY_EMAIL'
  | 'EMAIL_IN_USE'
  | 'RESET_PASSWORD'
  | 'PASSWORD_CHANGED'
  | 'EMAIL_CHANGE_ASKED'
  | 'EMAIL_CHANGED'
  | 'NEW_DEVICE'
  | 'MFA_CHANGED'
  | 'NEW_APP'
  | 'ACCOUNT_DELETED';

interface Bounds {
  /** So long a mail may be late, and its secret counts. */
  lifetimeMs: number;
  /** So many go to one address in an hour, whoever asks for them. */
  perHour: number;
}

const NOTICE: Bounds = { lifetimeMs: 3 * DAY_MS, perHour: 20 };

/**
 * Who floods an address with requests does not flood it with mails, and keeps nothing from its owner: of the resets that were sent within an hour each
 * still counts, and what is said of an address in use was said already.
 */
export const BOUNDS: Readonly<Record<MailKind, Bounds>> = {
  VERIFY_EMAIL: { lifetimeMs: 3 * DAY_MS, perHour: 30 },
  EMAIL_IN_USE: { ...NOTICE, perHour: 3 },
  RESET_PASSWORD: { lifetimeMs: HOUR_MS, perHour: 5 },
  PASSWORD_CHANGED: NOTICE,
  EMAIL_CHANGE_ASKED: { ...NOTICE, lifetimeMs: 7 * DAY_MS },
  EMAIL_CHANGED: NOTICE,
  NEW_DEVICE: { ...NOTICE, perHour: 5 },
  MFA_CHANGED: NOTICE,
  NEW_APP: NOTICE,
  ACCOUNT_DELETED: NOTICE,
};

/** Whether a mail of this kind carries a secret. */
export function hasSecret(kind: MailKind): boolean {
  return kind === 'VERIFY_EMAIL' || kind === 'RESET_PASSWORD' || kind === 'EMAIL_CHANGE_ASKED';
}

/** Whether the text, as a table has it, is a kind that this code knows. */
export function isMailKind(text: string): text is MailKind {
  return Object.hasOwn(BOUNDS, text);
}

import type { NewMail } from './mail.ts';
import type { MfaChange } from './texts/texts.ts';

/** What a thief would do first, and hide behind many changes that say less. */
const ALWAYS_TOLD: ReadonlySet<MfaChange> = new Set(['TOTP_ADDED', 'PASSKEY_ADDED']);

/** Tells the owner of an account that the way they sign in was changed. */
export function mfaNotice(accountId: string, change: MfaChange): Omit<NewMail, 'to'> {
  return { kind: 'MFA_CHANGED', accountId, params: { change }, isAlwaysTold: ALWAYS_TOLD.has(change) };
}

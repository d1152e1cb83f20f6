import type { Language } from '../../i18n/language.ts';
import type { MailKind } from '../kinds.ts';
import { en } from './en.ts';
import { vi } from './vi.ts';

/** A paragraph; a link as a button with its address below; what has happened, line by line. */
export type Part =
  | string
  | { link: string; label: string }
  | { facts: readonly (readonly [name: string, value: string])[] };

export interface MailText {
  subject: string;
  parts: readonly Part[];
}

/** What texts fill in. Each is plain text: nothing that strangers have typed stands here as it was. */
export interface MailFacts {
  /** Where the person goes on: with the secret of the mail, where it has one. */
  link: string;
  /** The page of the account. */
  account: string;
  /** Such as `27 November 2026 at 16:40 UTC`. */
  at: string;
  /** An address of the network; empty when unknown. */
  network: string;
  /** Such as `Firefox · Linux`; empty when unknown. */
  device: string;
  /** What is said of the kind besides, by name. */
  params: Readonly<Record<string, string>>;
}

/** All that mails say in one language. */
export interface MailTexts {
  /** @param handle empty when the account has none any more */
  greeting(handle: string): string;
  /** Below every mail: why it came. */
  footer: string;
  kinds: Readonly<Record<MailKind, (facts: MailFacts) => MailText>>;
}

/** What a notice about the second factor can say. */
export const MFA_CHANGES = [
  'TOTP_ADDED',
  'TOTP_REMOVED',
  'RECOVERY_CODES_RENEWED',
  'RECOVERY_CODE_USED',
  'PASSKEY_ADDED',
  'PASSKEY_REMOVED',
] as const;
export type MfaChange = (typeof MFA_CHANGES)[number];

export const MAIL_TEXTS: Readonly<Record<Language, MailTexts>> = { en, vi };

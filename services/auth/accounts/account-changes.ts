import { createRevoking, type RevokingOptions } from '../sessions/revoking.ts';
import { createEmailAddresses, type EmailAddresses, type EmailAddressesOptions } from './email-addresses.ts';
import { createKeepEmail, type KeepEmail } from './kept-email.ts';
import { createPasswordChanges, type PasswordChanges, type PasswordChangesOptions } from './password-changes.ts';
import { createPasswordResets, type PasswordResets, type PasswordResetsOptions } from './password-resets.ts';

/** What people change of that by which they sign in. */
export interface AccountChanges {
  emails: EmailAddresses;
  keepEmail: KeepEmail;
  passwordChanges: PasswordChanges;
  passwordResets: PasswordResets;
}

export type AccountChangesOptions = EmailAddressesOptions &
  RevokingOptions &
  Omit<PasswordChangesOptions & PasswordResetsOptions, 'revoking'>;

export function createAccountChanges(options: AccountChangesOptions): AccountChanges {
  const parts = { ...options, revoking: createRevoking(options) };
  return {
    emails: createEmailAddresses(options),
    keepEmail: createKeepEmail(options),
    passwordChanges: createPasswordChanges(parts),
    passwordResets: createPasswordResets(parts),
  };
}

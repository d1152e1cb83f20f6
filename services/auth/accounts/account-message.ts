import type { Account } from '#gen/oxo/auth/v1/auth.ts';
import type { AccountAddresses } from './email-addresses.ts';

/** The contract's account. */
export function accountMessage({ id, email, isVerified, pendingEmail, createdAtMs }: AccountAddresses): Account {
  return { id, email, emailVerified: isVerified, pendingEmail: pendingEmail ?? '', createdAt: new Date(createdAtMs) };
}

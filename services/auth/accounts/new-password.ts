import type { Transaction } from '#kit/db/database.ts';
import { invalidFields } from '#kit/errors.ts';
import type { ProfileContext, Profiles } from '../profiles/profiles.ts';
import { weaknessOf } from './password-policy.ts';

/** Values: account, hash. A sign-in that is under way holds the account, or sees that the password is another one. */
const SET = {
  name: 'account-set-password',
  text: "update accounts set password_hash = $2 where id = $1 and state = 'ACTIVE' returning 1",
};
const USE_RESETS = {
  name: 'mail-use-resets',
  text: "update mails set used_at_ms = $2 where account_id = $1 and kind = 'RESET_PASSWORD' and used_at_ms is null",
};

/** Whose password it is to be. */
export interface PasswordAccount {
  accountId: string;
  email: string;
}

/** @throws OxoError VALIDATION_FAILED naming the field when the password would be guessed at once */
export async function requireStrong(
  profiles: Pick<Profiles, 'byId'>,
  { accountId, email }: PasswordAccount,
  { field, password }: { field: string; password: string },
  context: ProfileContext,
): Promise<void> {
  const user = await profiles.byId(accountId, context);
  const weakness = weaknessOf(password, { handle: user?.handle ?? '', email });
  if (weakness !== undefined) throw invalidFields([{ field, description: weakness }]);
}

/** Gives an account another password; what was mailed to reset the one before counts no more. @returns false when the account has ended */
export async function setPassword(
  tx: Transaction,
  accountId: string,
  passwordHash: string,
  nowMs: number,
): Promise<boolean> {
  if ((await tx.query(SET, [accountId, passwordHash])).length === 0) return false;
  await tx.query(USE_RESETS, [accountId, nowMs]);
  return true;
}

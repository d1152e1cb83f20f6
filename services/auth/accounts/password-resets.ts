import type { Clock } from '#kit/clock.ts';
import type { Database, Queryable } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';
import type { Attempts } from '../attempts/attempts.ts';
import { forgetDevices } from '../attempts/known-devices.ts';
import { NOBODY, originOf, person, recordAudit } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import type { MailTokens } from '../mail/mail-tokens.ts';
import { dropPendingEmail } from '../mail/verification.ts';
import { deletePasskeysOf } from '../mfa/passkeys-of.ts';
import type { ProfileContext, Profiles } from '../profiles/profiles.ts';
import { lockAccount } from '../sessions/account-lock.ts';
import type { Revoking } from '../sessions/revoking.ts';
import { endEverything } from './end-everything.ts';
import { type PasswordAccount, requireStrong, setPassword } from './new-password.ts';
import type { Passwords } from './passwords.ts';

/** Values: mail, now. Only while the address that it went to is still the account's. */
const FIND = {
  name: 'password-reset-find',
  text: `select account.id as "accountId", account.email, mails.used_at_ms is not null as "isUsed" from mails join accounts as account on account.id = mails.account_id
    where mails.id = $1 and mails.kind = 'RESET_PASSWORD' and mails.expires_at_ms > $2
      and account.email = mails.recipient and account.email_verified_at_ms is not null and account.state = 'ACTIVE'`,
};

export interface PasswordResets {
  /**
   * Mails to the owner of a verified address how to choose another password. Whether there is one is told neither by the answer nor by its time: the same is written for both.
   * @param email normalised
   * @throws OxoError RATE_LIMITED
   */
  ask(email: string, call: MailCall): Promise<void>;
  /**
   * Gives an account another password by what was mailed to its address, and ends all by which somebody could act for it: sessions, browsers, API keys, passkeys, and
   * what was granted to clients; no device is known any more, and a change of the address that waits is given up. When it is done, their tokens are refused everywhere. A second factor stays.
   * @throws OxoError RATE_LIMITED; PASSWORD_RESET_INVALID when the token is unknown, too old, or was used; VALIDATION_FAILED, and the token still counts;
   *   UNAVAILABLE when it is not known yet that all services have heard of it; then it is done all the same
   */
  reset(reset: { token: string; password: string }, call: MailCall & ProfileContext): Promise<void>;
}

export interface PasswordResetsOptions {
  db: Database;
  revoking: Revoking;
  attempts: Pick<Attempts, 'forgot' | 'reset'>;
  counted: Pick<CountedAudit, 'add'>;
  passwords: Passwords;
  profiles: Pick<Profiles, 'byId'>;
  mail: Mail;
  tokens: MailTokens;
  clock: Clock;
}

export function createPasswordResets(options: PasswordResetsOptions): PasswordResets {
  const { db, revoking, attempts, counted, passwords, profiles, mail, tokens, clock } = options;

  async function find(on: Queryable, mailId: string): Promise<PasswordAccount> {
    const [found] = await on.query<PasswordAccount & { isUsed: boolean }>(FIND, [mailId, clock.nowMs()]);
    if (found === undefined) throw invalidReset();
    if (found.isUsed) throw usedReset();
    return found;
  }

  return {
    async ask(email, call) {
      await attempts.forgot(originOf(call).network);
      const accountId = await db.transaction((tx) =>
        mail.queueToOwner(tx, { kind: 'RESET_PASSWORD', to: email }, call),
      );
      counted.add({ action: 'REQUEST_PASSWORD_RESET', accountId, actor: NOBODY }, call);
    },
    async reset({ token, password }, call) {
      const { network } = originOf(call);
      const attempt = await attempts.reset(network);
      const mailId = tokens.read(token);
      if (mailId === undefined) throw invalidReset();
      const account = await find(db, mailId);
      attempt.giveBack();
      await requireStrong(profiles, account, { field: 'password', password }, call);
      const passwordHash = await passwords.hash(password, {
        network,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      const { accountId } = account;
      await revoking.everywhere(async (tx) => {
        if (!(await lockAccount(tx, accountId))) throw invalidReset();
        // Another reset, or a change of the address, may have been quicker.
        await find(tx, mailId);
        await setPassword(tx, accountId, passwordHash, clock.nowMs());
        await forgetDevices(tx, accountId);
        await dropPendingEmail(tx, accountId, clock.nowMs());
        const passkeys = await deletePasskeysOf(tx, mail, accountId, call);
        const { counts, ...ended } = await endEverything(tx, accountId);
        const actor = person(accountId);
        await recordAudit(tx, { action: 'RESET_PASSWORD', accountId, actor, details: { ...counts, passkeys } }, call);
        await mail.notify(tx, { kind: 'PASSWORD_CHANGED', accountId }, call);
        return ended;
      }, call);
    },
  };
}

/** Whoever asks again because the answer was lost, or was that not every service has heard of it, is told that it is done. */
function usedReset(): OxoError {
  return new OxoError(
    'PASSWORD_RESET_INVALID',
    'The password was chosen since this was mailed: sign in with the one that was chosen last, or ask for another reset.',
  );
}

function invalidReset(): OxoError {
  return new OxoError('PASSWORD_RESET_INVALID', 'This reset is not valid, or has expired. Ask for another one.');
}

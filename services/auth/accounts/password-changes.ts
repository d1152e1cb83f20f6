import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { invalidFields, OxoError } from '#kit/errors.ts';
import type { Attempts } from '../attempts/attempts.ts';
import { forgetDevices } from '../attempts/known-devices.ts';
import { originOf, recordAudit } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { dropPendingEmail } from '../mail/verification.ts';
import type { ProfileContext, Profiles } from '../profiles/profiles.ts';
import { lockOwner, type Owner } from '../sessions/account-lock.ts';
import { endOtherSessions } from '../sessions/end-others.ts';
import type { Revoking } from '../sessions/revoking.ts';
import { countKeptWays, type KeptWays } from './kept-ways.ts';
import { requireStrong, setPassword } from './new-password.ts';
import type { Passwords } from './passwords.ts';

const FIND = {
  name: 'account-find-password',
  text: `select password_hash as "passwordHash", email from accounts where id = $1 and state = 'ACTIVE'`,
};

interface AccountRow {
  passwordHash: string;
  email: string;
}

export interface PasswordChange {
  currentPassword: string;
  newPassword: string;
}

/** The call, and by which token the account knows the device that it comes from, where that is told: that one stays known. */
export type PasswordChangeCall = MailCall & ProfileContext & { deviceToken?: string };

export interface PasswordChanges {
  /**
   * Gives the signed-in person another password, and ends all other sessions of the account, those of browsers too. Other devices are not known any more, and a change of the
   * address that waits is given up. When it is done, their tokens are refused
   * everywhere.
   * @throws OxoError RATE_LIMITED; CREDENTIALS_INVALID when the current one is another; VALIDATION_FAILED; SESSION_REVOKED; UNAVAILABLE when too many sign in at
   *   once, or when it is not known yet that all services have heard of it; then it is done all the same
   */
  change(session: Owner, passwords: PasswordChange, call: PasswordChangeCall): Promise<void>;
  /** What a change leaves as it is. */
  kept(accountId: string): Promise<KeptWays>;
}

export interface PasswordChangesOptions {
  db: Database;
  revoking: Revoking;
  attempts: Pick<Attempts, 'confirm'>;
  counted: Pick<CountedAudit, 'add'>;
  passwords: Passwords;
  profiles: Pick<Profiles, 'byId'>;
  mail: Pick<Mail, 'notify'>;
  clock: Clock;
}

export function createPasswordChanges(options: PasswordChangesOptions): PasswordChanges {
  const { db, revoking, attempts, counted, passwords, profiles, mail, clock } = options;
  return {
    kept: (accountId) => countKeptWays(db, accountId, clock.nowMs()),
    async change({ userId, sessionId }, { currentPassword, newPassword }, call) {
      const by = { network: originOf(call).network, ...(call.signal === undefined ? {} : { signal: call.signal }) };
      const attempt = await attempts.confirm(sessionId);
      const [account] = await db.query<AccountRow>(FIND, [userId]);
      if (!(await passwords.verify(account?.passwordHash ?? passwords.decoy, currentPassword, by)) || !account) {
        counted.add({ action: 'CHANGE_PASSWORD', outcome: 'REFUSED', accountId: userId, sessionId }, call);
        throw wrongPassword();
      }
      attempt.giveBack();
      if (newPassword === currentPassword)
        throw invalidFields([{ field: 'newPassword', description: 'must not be the password that there is' }]);
      const strength = { field: 'newPassword', password: newPassword };
      await requireStrong(profiles, { accountId: userId, email: account.email }, strength, call);
      const passwordHash = await passwords.hash(newPassword, by);
      await revoking.everywhere(async (tx) => {
        await lockOwner(tx, { userId, sessionId }, clock.nowMs());
        // Of two changes at once, the second finds the password of the first.
        const [present] = await tx.query<AccountRow>(FIND, [userId]);
        if (present?.passwordHash !== account.passwordHash) throw wrongPassword();
        await setPassword(tx, userId, passwordHash, clock.nowMs());
        await forgetDevices(tx, userId, call.deviceToken);
        const isEmailKept = await dropPendingEmail(tx, userId, clock.nowMs());
        const revoked = await endOtherSessions(tx, userId, sessionId);
        const details = { sessions: revoked.length };
        await recordAudit(tx, { action: 'CHANGE_PASSWORD', accountId: userId, sessionId, details }, call);
        const params = noticeParams(await countKeptWays(tx, userId, clock.nowMs()), isEmailKept);
        await mail.notify(tx, { kind: 'PASSWORD_CHANGED', accountId: userId, params }, call);
        return { revoked };
      }, call);
    },
  };
}

/** Only what there is of each is told. */
function noticeParams(kept: KeptWays, isEmailKept: boolean): Record<string, string> {
  const counts = Object.entries(kept).filter(([, count]) => count > 0);
  return {
    ...Object.fromEntries(counts.map(([name, count]) => [name, String(count)])),
    ...(isEmailKept ? { emailKept: 'yes' } : {}),
  };
}

function wrongPassword(): OxoError {
  return new OxoError('CREDENTIALS_INVALID', 'This is not the password of the account.');
}

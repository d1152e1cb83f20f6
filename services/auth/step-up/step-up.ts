import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { OxoError, type Reason } from '#kit/errors.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { LetIn } from '../accounts/credentials.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Attempts } from '../attempts/attempts.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { Mail } from '../mail/mail.ts';
import type { CodeSource, SecondStep } from '../mfa/second-step.ts';
import { networkOf } from '../origin/device.ts';
import type { Assertion } from '../passkeys/passkey-input.ts';
import type { PasskeySignIns } from '../passkeys/passkey-sign-ins.ts';
import { activateAccount } from '../sessions/activate-account.ts';
import { confirmSession } from '../sessions/confirming.ts';

/** What somebody shows again: a password, with a code where the account needs one, or a passkey. */
export type Shown = { password: string; otp: string } | { credential: Assertion };

/** A session whose person has just shown again who they are. */
export interface ConfirmedSession {
  accountId: string;
  sessionId: string;
  /** Milliseconds since the epoch. */
  signedInAtMs: number;
  isAdmin: boolean;
}

/** Asks somebody who is signed in to show again who they are, before what needs a recent sign-in. */
export interface StepUp {
  /**
   * @returns undefined when the password is right, and the account needs a code besides
   * @throws OxoError CREDENTIALS_INVALID, OTP_INVALID, PASSKEY_INVALID; PASSKEYS_OFF; RATE_LIMITED; SESSION_REVOKED; UNAVAILABLE when too many sign in at once
   */
  confirm(
    session: { userId: string; sessionId: string },
    shown: Shown,
    source: CodeSource & { signal?: AbortSignal },
  ): Promise<ConfirmedSession | undefined>;
}

export interface StepUpOptions {
  db: Database;
  accounts: Pick<Accounts, 'password'>;
  attempts: Pick<Attempts, 'confirm'>;
  passwords: Passwords;
  secondStep: SecondStep;
  passkeySignIns: Pick<PasskeySignIns, 'check'>;
  mail: Mail;
  counted: Pick<CountedAudit, 'add' | 'record'>;
  clock: Clock;
}

/** What is a try that counts, and why it stands in the audit log. */
const WRONG: Partial<Record<Reason, string>> = {
  CREDENTIALS_INVALID: 'password',
  OTP_INVALID: 'code',
  PASSKEY_INVALID: 'passkey',
};

export function createStepUp(options: StepUpOptions): StepUp {
  const { db, accounts, attempts, passwords, secondStep, passkeySignIns, mail, counted, clock } = options;

  /** @returns undefined when a code is needed */
  async function check(
    userId: string,
    shown: Shown,
    source: CodeSource & { signal?: AbortSignal },
  ): Promise<LetIn | undefined> {
    if ('credential' in shown) return passkeySignIns.check(userId, shown.credential);
    const { device, signal } = source;
    const present = await accounts.password(userId);
    const by = { network: networkOf(device.ip), ...(signal === undefined ? {} : { signal }) };
    const right = await passwords.verify(present?.passwordHash ?? passwords.decoy, shown.password, by);
    if (!right || present === undefined) throw wrongPassword();
    const proof = await secondStep.check(userId, shown.otp, source);
    return proof === undefined ? undefined : { proof, epoch: present.epoch };
  }

  return {
    async confirm({ userId, sessionId }, shown, source) {
      const { context } = source;
      const attempt = await attempts.confirm(sessionId);
      try {
        const letIn = await check(userId, shown, { ...source, sessionId });
        const confirmed = letIn && (await db.transaction((tx) => renew(tx, letIn)));
        attempt.giveBack();
        return confirmed;
      } catch (error) {
        const why = error instanceof OxoError ? WRONG[error.reason] : undefined;
        if (why === undefined) attempt.giveBack();
        else {
          const refused = { outcome: 'REFUSED', accountId: userId, sessionId, details: { why } } as const;
          counted.add({ action: 'CONFIRM_SIGN_IN', ...refused }, context);
        }
        throw error;
      }

      async function renew(
        tx: Parameters<typeof confirmSession>[0],
        { proof, epoch }: LetIn,
      ): Promise<ConfirmedSession> {
        // What was right before all sessions were ended, or before there was another password, counts no more.
        const account = await activateAccount(tx, mail, { accountId: userId, epoch }, context);
        if (account === undefined) throw ended();
        await proof.spend(tx);
        const nowMs = clock.nowMs();
        const session = await confirmSession(tx, { sessionId, accountId: userId }, proof.factors, nowMs);
        if (session === undefined) throw ended();
        const details = { factors: proof.factors.join(' ') };
        await counted.record(tx, { action: 'CONFIRM_SIGN_IN', accountId: userId, sessionId, details }, context);
        return { accountId: userId, sessionId, signedInAtMs: nowMs, isAdmin: session.isAdmin };
      }
    },
  };
}

function wrongPassword(): OxoError {
  return new OxoError('CREDENTIALS_INVALID', 'This is not the password of the account.');
}

function ended(): OxoError {
  return new OxoError('SESSION_REVOKED', 'The session was ended.');
}

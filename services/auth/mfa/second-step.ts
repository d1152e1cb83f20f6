import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Attempt, Attempts } from '../attempts/attempts.ts';
import type { KnownDevices } from '../attempts/known-devices.ts';
import type { KeyVault } from '../keys/key-vault.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { mfaNotice } from '../mail/mfa-notice.ts';
import { type Device, networkOf } from '../origin/device.ts';
import { BY_PASSWORD, type Proof } from '../sessions/factors.ts';
import { secretName } from './mfa.ts';
import { hashOfCode, looksLikeRecoveryCode, normaliseCode } from './recovery-codes.ts';
import { otpInvalid } from './refusals.ts';
import * as sql from './statements.ts';
import { stepOf } from './totp.ts';

/** Where a code comes from. */
export interface CodeSource {
  device: Device;
  /** Of the device, as it came; empty for none. */
  deviceToken: string;
  context: MailCall;
  /** In which its person is already: whoever holds it is known by that. */
  sessionId?: string;
}

/** What comes after a password that is right. */
export interface SecondStep {
  /**
   * @param otp what was typed, empty for nothing
   * @returns what the sign-in has shown; undefined when the account needs a code and there is none
   * @throws OxoError OTP_INVALID; RATE_LIMITED; UNAVAILABLE when codes of apps cannot be counted
   */
  check(accountId: string, otp: string, source: CodeSource): Promise<Proof | undefined>;
}

/** @param options.vault encrypts the secrets of people */
export function createSecondStep(options: {
  db: Database;
  vault: KeyVault;
  attempts: Pick<Attempts, 'otp' | 'otpInSession'>;
  knownDevices: Pick<KnownDevices, 'has'>;
  mail: Pick<Mail, 'notify'>;
  clock: Clock;
}): SecondStep {
  const { db, vault, attempts, knownDevices, mail, clock } = options;

  function byRecoveryCode(accountId: string, code: string, { device, context }: CodeSource): Proof {
    const hash = hashOfCode(accountId, code);
    return {
      factors: ['PASSWORD', 'RECOVERY_CODE'],
      async spend(tx) {
        if ((await tx.query(sql.SPEND_CODE, [accountId, hash])).length === 0) throw otpInvalid();
        const notice = mfaNotice(accountId, 'RECOVERY_CODE_USED');
        await mail.notify(tx, notice, { ...context, device });
      },
    };
  }

  async function count(accountId: string, { device, deviceToken, sessionId }: CodeSource): Promise<Attempt> {
    if (sessionId !== undefined) return attempts.otpInSession(accountId, sessionId);
    const isKnown = await knownDevices.has(accountId, deviceToken);
    return attempts.otp(accountId, networkOf(device.ip), isKnown ? deviceToken : undefined);
  }

  async function byTotp(accountId: string, encrypted: Buffer, code: string, source: CodeSource): Promise<Proof> {
    const attempt = await count(accountId, source);
    const step = stepOf(await vault.decrypt(encrypted, secretName(accountId)), code, clock.nowMs());
    if (step === undefined) throw otpInvalid();
    return {
      factors: ['PASSWORD', 'TOTP'],
      async spend(tx) {
        if ((await tx.query(sql.SPEND_STEP, [accountId, step, encrypted])).length === 0) throw otpInvalid();
        attempt.giveBack();
      },
    };
  }

  return {
    async check(accountId, otp, source) {
      const [row] = await db.query<{ secret: Buffer }>(sql.FIND_TOTP, [accountId]);
      if (row === undefined) return BY_PASSWORD;
      const code = normaliseCode(otp);
      if (code === '') return undefined;
      // Nobody finds one of 80 bits by trying, so nothing is counted, and it works when nothing can be counted.
      if (looksLikeRecoveryCode(code)) return byRecoveryCode(accountId, code, source);
      return byTotp(accountId, row.secret, code, source);
    },
  };
}

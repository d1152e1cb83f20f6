import { OxoError } from '#kit/errors.ts';
import { looksLikeRecoveryCode, normaliseCode } from '../mfa/recovery-codes.ts';
import type { Factor } from '../sessions/factors.ts';
import { type CountSignIn, isRefused, type SignInMethod } from '../sign-ins/sign-in-metrics.ts';
import type { Credentials, Enter } from './credentials.ts';

/** The same sign-ins, counted. A password that is right where a code is needed besides is not one yet. */
export function countedCredentials(credentials: Credentials, count: CountSignIn): Credentials {
  async function counted<Result extends { entered: unknown }>(
    otp: string,
    signIn: (noteFactors: (factors: readonly Factor[]) => void) => Promise<Result>,
  ): Promise<Result> {
    let method: SignInMethod | undefined;
    try {
      const result = await signIn((factors) => {
        method = methodOf(factors);
      });
      if (result.entered !== undefined) count(method ?? 'password', 'ok');
      return result;
    } catch (error) {
      if (isRefused(error)) count(method ?? methodRefused(error, otp), 'refused');
      throw error;
    }
  }

  return {
    signIn: (typed, source, enter) =>
      counted(typed.otp, (note) => credentials.signIn(typed, source, noting(enter, note))),
    finish: (step, otp, source, enter) =>
      counted(otp, (note) => credentials.finish(step, otp, source, noting(enter, note))),
  };
}

function noting<Entered>(enter: Enter<Entered>, note: (factors: readonly Factor[]) => void): Enter<Entered> {
  return (account, by) => {
    note(by.proof.factors);
    return enter(account, by);
  };
}

function methodOf(factors: readonly Factor[]): SignInMethod {
  if (factors.includes('PASSKEY')) return 'passkey';
  if (factors.includes('TOTP')) return 'totp';
  return factors.includes('RECOVERY_CODE') ? 'recovery_code' : 'password';
}

function methodRefused(error: unknown, otp: string): SignInMethod {
  if (!(error instanceof OxoError) || error.reason !== 'OTP_INVALID') return 'password';
  return looksLikeRecoveryCode(normaliseCode(otp)) ? 'recovery_code' : 'totp';
}

import { OxoError, type Reason } from '#kit/errors.ts';
import { type Metrics, startAtZero } from '#kit/observability/metrics.ts';
import { looksLikeRecoveryCode, normaliseCode } from '../mfa/recovery-codes.ts';
import type { Factor } from '../sessions/factors.ts';
import type { Credentials, Enter } from './credentials.ts';

/** How somebody comes in, or goes on: by a password alone, by what came after it, and at OAuth by what an app has shown. */
const METHODS = [
  'password',
  'totp',
  'recovery_code',
  'passkey',
  'refresh',
  'oauth_code',
  'oauth_refresh',
  'device',
  'client',
] as const;
export type SignInMethod = (typeof METHODS)[number];
export type CountSignIn = (method: SignInMethod, outcome: 'ok' | 'refused') => void;

export function createSignInMetrics(metrics: Metrics): CountSignIn {
  const signIns = metrics.counter({
    name: 'oxo_auth_sign_ins_total',
    help: 'Sign-ins, and sessions that were gone on with, by how, and whether they were let in.',
    labelNames: ['method', 'outcome'],
  });
  startAtZero(
    signIns,
    ...METHODS.flatMap((method) => (['ok', 'refused'] as const).map((outcome) => ({ method, outcome }))),
  );
  return (method, outcome) => signIns.inc({ method, outcome });
}

/** What tells that somebody was not let in; all else is a fault of ours, or a request that was none. */
const REFUSALS = new Set<Reason>([
  'CREDENTIALS_INVALID',
  'OTP_INVALID',
  'PASSKEY_INVALID',
  'REFRESH_TOKEN_INVALID',
  'REFRESH_TOKEN_REUSED',
  'RATE_LIMITED',
]);

function isRefused(error: unknown): boolean {
  return error instanceof OxoError && REFUSALS.has(error.reason);
}

/** Counts what becomes of it, and gives it back. */
export async function countedAs<Result>(
  method: SignInMethod,
  count: CountSignIn,
  signIn: Promise<Result>,
): Promise<Result> {
  try {
    const result = await signIn;
    count(method, 'ok');
    return result;
  } catch (error) {
    if (isRefused(error)) count(method, 'refused');
    throw error;
  }
}

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

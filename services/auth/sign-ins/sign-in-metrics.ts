import { OxoError, type Reason } from '#kit/errors.ts';
import { type Metrics, startAtZero } from '#kit/observability/metrics.ts';

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
    help: 'Sign-ins and renewals of sessions, by method, and whether they were let in.',
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

export function isRefused(error: unknown): boolean {
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

import type { Mfa } from '#gen/oxo/auth/v1/mfa.ts';
import type { MfaState } from './mfa.ts';

/** The contract's Mfa. */
export function mfaMessage({ totpSinceMs, recoveryCodesLeft, passkeys }: MfaState): Mfa {
  return {
    totpEnabled: totpSinceMs !== undefined,
    totpEnabledAt: totpSinceMs === undefined ? undefined : new Date(totpSinceMs),
    recoveryCodesLeft,
    passkeys,
  };
}

import { Session_Factor } from '#gen/oxo/auth/v1/auth.ts';
import type { Transaction } from '#kit/db/database.ts';

/** What somebody has shown to be who they are: the names of the contract. */
export type Factor = Exclude<keyof typeof Session_Factor, 'FACTOR_UNSPECIFIED' | 'UNRECOGNIZED'>;

/** That somebody is who they say, by these factors. */
export interface Proof {
  factors: readonly Factor[];
  /**
   * Uses up what works once, in the transaction of what it opens: so neither happens without the other.
   * @throws OxoError when it was used meanwhile
   */
  spend(tx: Transaction): Promise<void>;
}

/** A password, which can be used again. */
export const BY_PASSWORD: Proof = { factors: ['PASSWORD'], spend: async () => undefined };

/** The contract's factors; what this code does not know yet is UNSPECIFIED. */
export function factorsMessage(factors: readonly string[]): Session_Factor[] {
  return factors.map((name) => {
    const found = Object.hasOwn(Session_Factor, name) ? Session_Factor[name as Factor] : undefined;
    return found ?? Session_Factor.FACTOR_UNSPECIFIED;
  });
}

/** Their names in tokens (RFC 8176). */
const AMR: Record<Factor, string> = { PASSWORD: 'pwd', TOTP: 'otp', RECOVERY_CODE: 'otp', PASSKEY: 'hwk' };
/** Said besides when a sign-in had two of them. */
const MULTIPLE = 'mfa';

/** How somebody has signed in, as ID tokens say it (`amr`). */
export function amrOf(factors: readonly Factor[]): string[] {
  const methods = [...new Set(factors.map((factor) => AMR[factor]))];
  return methods.length > 1 ? [...methods, MULTIPLE] : methods;
}

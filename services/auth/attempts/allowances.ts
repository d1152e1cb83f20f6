import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';

/** So many attempts in so much time. */
export interface Allowance {
  attempts: number;
  windowMs: number;
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
const ALLOWANCE = /^(\d{1,9})\/(\d{1,4})([smhd])$/;

/** Such as "10/15m": ten in fifteen minutes. */
const allowance = () =>
  z.string().transform((text, context): Allowance => {
    const [, attempts, count, unit = ''] = ALLOWANCE.exec(text) ?? [];
    const windowMs = Number(count) * (UNITS[unit] ?? 0);
    if (Number(attempts) > 0 && windowMs > 0) return { attempts: Number(attempts), windowMs };
    context.addIssue({ code: 'custom', message: 'must be attempts/time, such as 10/15m (s, m, h or d)' });
    return z.NEVER;
  });

/**
 * What is allowed by default. Networks are IPv4 addresses and /64s of IPv6, of which all in one /48 may do sixteen times as much together; many people may
 * stand behind one. The allowances of an account and
 * of networks hold for whoever has not signed in to the account on that device yet: who uses them up keeps no one out who has.
 */
export const allowanceSettings = {
  LIMIT_LOGIN_OF_ACCOUNT_FROM_NETWORK: allowance().default({ attempts: 10, windowMs: 15 * MINUTE_MS }),
  LIMIT_LOGIN_OF_ACCOUNT: allowance().default({ attempts: 50, windowMs: HOUR_MS }),
  LIMIT_LOGIN_FROM_NETWORK: allowance().default({ attempts: 100, windowMs: HOUR_MS }),
  LIMIT_LOGIN_OF_ACCOUNT_ON_DEVICE: allowance().default({ attempts: 10, windowMs: 15 * MINUTE_MS }),
  LIMIT_CONFIRM_OF_SESSION: allowance().default({ attempts: 10, windowMs: 15 * MINUTE_MS }),
  // Three codes of a million are right at a time: thirty tries a day find one in thirty years.
  LIMIT_OTP_OF_ACCOUNT_FROM_NETWORK: allowance().default({ attempts: 10, windowMs: HOUR_MS }),
  LIMIT_OTP_OF_ACCOUNT: allowance().default({ attempts: 30, windowMs: DAY_MS }),
  LIMIT_OTP_OF_ACCOUNT_ON_DEVICE: allowance().default({ attempts: 10, windowMs: HOUR_MS }),
  LIMIT_OTP_OF_ACCOUNT_IN_SESSIONS: allowance().default({ attempts: 30, windowMs: DAY_MS }),
  LIMIT_PASSKEY_UNKNOWN_FROM_NETWORK: allowance().default({ attempts: 3_000, windowMs: HOUR_MS }),
  LIMIT_PASSKEY_OF_CREDENTIAL_FROM_NETWORK: allowance().default({ attempts: 10, windowMs: 15 * MINUTE_MS }),
  LIMIT_PASSKEY_FROM_NETWORK: allowance().default({ attempts: 300, windowMs: HOUR_MS }),
  LIMIT_PASSKEY_OF_CREDENTIAL_ON_DEVICE: allowance().default({ attempts: 10, windowMs: 15 * MINUTE_MS }),
  LIMIT_REGISTER_FROM_NETWORK: allowance().default({ attempts: 20, windowMs: HOUR_MS }),
  LIMIT_REFRESH_FROM_NETWORK: allowance().default({ attempts: 300, windowMs: HOUR_MS }),
  LIMIT_FORGOT_FROM_NETWORK: allowance().default({ attempts: 20, windowMs: HOUR_MS }),
  LIMIT_RESET_OF_ACCOUNT: allowance().default({ attempts: 20, windowMs: HOUR_MS }),
  LIMIT_RESET_FROM_NETWORK: allowance().default({ attempts: 60, windowMs: HOUR_MS }),
  LIMIT_VERIFY_OF_ACCOUNT: allowance().default({ attempts: 20, windowMs: HOUR_MS }),
  LIMIT_CONFIRMATION_OF_ACCOUNT: allowance().default({ attempts: 5, windowMs: HOUR_MS }),
  LIMIT_VERIFY_FROM_NETWORK: allowance().default({ attempts: 120, windowMs: HOUR_MS }),
  LIMIT_CLIENT_FROM_NETWORK: allowance().default({ attempts: 20, windowMs: HOUR_MS }),
  LIMIT_BROWSER_FROM_NETWORK: allowance().default({ attempts: 600, windowMs: 10 * MINUTE_MS }),
  LIMIT_BROWSER: allowance().default({ attempts: 60_000, windowMs: 10 * MINUTE_MS }),
  LIMIT_DEVICE_OF_CLIENT_FROM_NETWORK: allowance().default({ attempts: 60, windowMs: 10 * MINUTE_MS }),
  LIMIT_DEVICE_FROM_NETWORK: allowance().default({ attempts: 120, windowMs: 10 * MINUTE_MS }),
  LIMIT_DEVICE: allowance().default({ attempts: 30_000, windowMs: 10 * MINUTE_MS }),
  LIMIT_OWN_TOKEN_OF_CLIENT: allowance().default({ attempts: 300, windowMs: 10 * MINUTE_MS }),
  LIMIT_DEVICE_CODE_FROM_NETWORK: allowance().default({ attempts: 120, windowMs: HOUR_MS }),
  LIMIT_TOKEN_FROM_NETWORK: allowance().default({ attempts: 300, windowMs: HOUR_MS }),
  LIMIT_INTROSPECTION_FROM_NETWORK: allowance().default({ attempts: 300, windowMs: HOUR_MS }),
};

/** By the names that the code uses. */
export type Allowances = ReturnType<typeof allowances>;

export function allowances(read: z.infer<z.ZodObject<typeof allowanceSettings>>) {
  return {
    loginOfAccountFromNetwork: read.LIMIT_LOGIN_OF_ACCOUNT_FROM_NETWORK,
    loginOfAccount: read.LIMIT_LOGIN_OF_ACCOUNT,
    loginFromNetwork: read.LIMIT_LOGIN_FROM_NETWORK,
    loginOfAccountOnDevice: read.LIMIT_LOGIN_OF_ACCOUNT_ON_DEVICE,
    confirmOfSession: read.LIMIT_CONFIRM_OF_SESSION,
    otpOfAccountFromNetwork: read.LIMIT_OTP_OF_ACCOUNT_FROM_NETWORK,
    otpOfAccount: read.LIMIT_OTP_OF_ACCOUNT,
    otpOfAccountOnDevice: read.LIMIT_OTP_OF_ACCOUNT_ON_DEVICE,
    otpOfAccountInSessions: read.LIMIT_OTP_OF_ACCOUNT_IN_SESSIONS,
    passkeyUnknownFromNetwork: read.LIMIT_PASSKEY_UNKNOWN_FROM_NETWORK,
    passkeyOfCredentialFromNetwork: read.LIMIT_PASSKEY_OF_CREDENTIAL_FROM_NETWORK,
    passkeyOfCredentialOnDevice: read.LIMIT_PASSKEY_OF_CREDENTIAL_ON_DEVICE,
    passkeyFromNetwork: read.LIMIT_PASSKEY_FROM_NETWORK,
    registerFromNetwork: read.LIMIT_REGISTER_FROM_NETWORK,
    refreshFromNetwork: read.LIMIT_REFRESH_FROM_NETWORK,
    forgotFromNetwork: read.LIMIT_FORGOT_FROM_NETWORK,
    resetOfAccount: read.LIMIT_RESET_OF_ACCOUNT,
    resetFromNetwork: read.LIMIT_RESET_FROM_NETWORK,
    verifyOfAccount: read.LIMIT_VERIFY_OF_ACCOUNT,
    confirmationOfAccount: read.LIMIT_CONFIRMATION_OF_ACCOUNT,
    verifyFromNetwork: read.LIMIT_VERIFY_FROM_NETWORK,
    clientFromNetwork: read.LIMIT_CLIENT_FROM_NETWORK,
    browserFromNetwork: read.LIMIT_BROWSER_FROM_NETWORK,
    browser: read.LIMIT_BROWSER,
    deviceOfClientFromNetwork: read.LIMIT_DEVICE_OF_CLIENT_FROM_NETWORK,
    deviceFromNetwork: read.LIMIT_DEVICE_FROM_NETWORK,
    device: read.LIMIT_DEVICE,
    ownTokenOfClient: read.LIMIT_OWN_TOKEN_OF_CLIENT,
    deviceCodeFromNetwork: read.LIMIT_DEVICE_CODE_FROM_NETWORK,
    tokenFromNetwork: read.LIMIT_TOKEN_FROM_NETWORK,
    introspectionFromNetwork: read.LIMIT_INTROSPECTION_FROM_NETWORK,
  };
}

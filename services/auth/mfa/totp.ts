import { Secret, TOTP } from 'otpauth';

/** What authenticator apps expect when nothing is said (RFC 6238); some of them know nothing else. */
const PARAMETERS = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
/** RFC 4226 recommends as many as the hash has. */
const SECRET_BYTES = 20;
/** Clocks of phones are wrong, and people slow: the code before and the code after count too. */
const SKEW_STEPS = 1;
const ISSUER = 'OXO';
const CODE = /^[0-9]{6}$/;

/** What an authenticator app makes codes of. */
export type TotpSecret = Uint8Array;

export function newTotpSecret(): TotpSecret {
  return new Secret({ size: SECRET_BYTES }).bytes;
}

/** The secret as one types it into an app: base32. */
export function typedSecret(secret: TotpSecret): string {
  return secretOf(secret).base32;
}

/** What an app reads from a QR code. @param label whose account it is, as the app will show it */
export function otpauthUri(secret: TotpSecret, label: string): string {
  return new TOTP({ ...PARAMETERS, issuer: ISSUER, label, secret: secretOf(secret) }).toString();
}

/**
 * The step whose code this is: the number of 30 seconds since 1970.
 * @returns undefined when it is the code of none of the three around now
 */
export function stepOf(secret: TotpSecret, code: string, nowMs: number): number | undefined {
  if (!CODE.test(code)) return undefined;
  const asked = { ...PARAMETERS, timestamp: nowMs };
  const delta = TOTP.validate({ ...asked, secret: secretOf(secret), token: code, window: SKEW_STEPS });
  return delta === null ? undefined : TOTP.counter(asked) + delta;
}

function secretOf(bytes: TotpSecret): Secret {
  // A copy: a Buffer is a view of a larger one.
  return new Secret({ buffer: Uint8Array.from(bytes).buffer });
}

import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs values of cookies, so that only we can make them. */
export interface CookieKeys {
  sign(data: string): string;
  verify(data: string, signature: string): boolean;
  /** Which of the keys has signed; -1 for none. */
  index(data: string, signature: string): number;
}

/**
 * Keys made of the secrets: the first signs, all verify, so that a secret can be replaced.
 * @param purpose what is signed with them: signatures for one purpose are worth nothing for another
 */
export function cookieKeys(secrets: readonly string[], purpose: string): CookieKeys {
  const keys = secrets.map((secret) => createHmac('sha256', secret).update(purpose).digest());
  const [first] = keys;
  if (first === undefined) throw new Error('There is no secret for cookies.');
  const digest = (key: Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const index = (data: string, signature: string) => {
    const given = Buffer.from(signature, 'base64url');
    return keys.findIndex((key) => {
      const right = digest(key, data);
      return right.length === given.length && timingSafeEqual(right, given);
    });
  };
  return {
    sign: (data) => digest(first, data).toString('base64url'),
    verify: (data, signature) => index(data, signature) >= 0,
    index,
  };
}

/**
 * The provider's cookies: no script reads them, and no other site's form brings them along. Over https no other host can set them
 * either; the one that is bound to a path can't have that name, and says at least that it came over https.
 */
export function cookieOptions(issuer: string, secrets: readonly string[]) {
  const isSecure = issuer.startsWith('https:');
  const common = { httpOnly: true, sameSite: 'lax' as const, overwrite: true, path: '/', secure: isSecure };
  const [host, secure] = isSecure ? ['__Host-', '__Secure-'] : ['', ''];
  return {
    names: {
      session: `${host}oxo_oauth_session`,
      interaction: `${host}oxo_oauth_interaction`,
      resume: `${secure}oxo_oauth_resume`,
    },
    // Its end is that of the session, which the library writes itself.
    long: common,
    short: common,
    keys: cookieKeys(secrets, 'oauth'),
  };
}

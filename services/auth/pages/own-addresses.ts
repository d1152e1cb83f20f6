import {
  ACCOUNT_PAGES,
  CODE_PAGE,
  CONSENT_PAGE,
  DEVICE_PAGE,
  FORGOT_PAGE,
  KEEP_EMAIL_PAGE,
  OAUTH_ROUTES,
  RESET_PAGE,
  SIGN_IN_PAGE,
  SIGN_OUT_PAGE,
  SIGN_UP_PAGE,
  VERIFY_PAGE,
} from '../oauth/routes.ts';

const MAX_CHARACTERS = 4_096;
const PAGES = new Set<string>([
  SIGN_IN_PAGE,
  CODE_PAGE,
  SIGN_UP_PAGE,
  SIGN_OUT_PAGE,
  CONSENT_PAGE,
  DEVICE_PAGE,
  ...Object.values(ACCOUNT_PAGES),
  FORGOT_PAGE,
  RESET_PAGE,
  VERIFY_PAGE,
  KEEP_EMAIL_PAGE,
  OAUTH_ROUTES.end_session,
]);
const OWN = 'http://own.invalid';

/**
 * Whether it is the address of a page of ours, from its path on: where a person may be led to because a form says so. Whatever a browser
 * could take for another host, or leads on to a client, is none.
 */
export function isOwnAddress(address: string): boolean {
  if (address.length > MAX_CHARACTERS || !/^\/[\x21-\x5b\x5d-\x7e]*$/.test(address) || address.startsWith('//'))
    return false;
  const url = URL.parse(address, OWN);
  return url !== null && url.origin === OWN && PAGES.has(url.pathname);
}

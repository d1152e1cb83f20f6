import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { SECOND_MS } from '#kit/clock.ts';

const MAX_COOKIE_CHARACTERS = 4_096;

/** The name of a cookie of our pages. Over https no other host can set it, nor a page that came without encryption. */
export function cookieName(issuer: string, name: string): string {
  return `${issuer.startsWith('https:') ? '__Host-' : ''}${name}`;
}

/** @returns undefined when the browser has sent none of this name */
export function readCookie({ cookie = '' }: IncomingHttpHeaders, name: string): string | undefined {
  for (const pair of cookie.split(';')) {
    const [key = '', value = ''] = pair.split(/=(.*)/s);
    if (key.trim() === name && value.length <= MAX_COOKIE_CHARACTERS) return value.trim();
  }
  return undefined;
}

/**
 * Sets a cookie, or forgets it: no script reads it, and no other site's form brings it along.
 * @param cookie.maxAgeMs 0 forgets it; until the browser is closed when absent
 */
export function setCookie(
  response: ServerResponse,
  issuer: string,
  cookie: { name: string; value: string; maxAgeMs?: number },
): void {
  const { name, value, maxAgeMs } = cookie;
  const attributes = [
    `${cookieName(issuer, name)}=${value}`,
    'path=/',
    ...(maxAgeMs === undefined ? [] : [`max-age=${Math.floor(maxAgeMs / SECOND_MS)}`]),
    ...(maxAgeMs === 0 ? ['expires=Thu, 01 Jan 1970 00:00:00 GMT'] : []),
    ...(issuer.startsWith('https:') ? ['secure'] : []),
    'samesite=lax',
    'httponly',
  ];
  response.appendHeader('set-cookie', attributes.join('; '));
}

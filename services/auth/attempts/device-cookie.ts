import type { IncomingMessage, ServerResponse } from 'node:http';
import { SECOND_MS } from '#kit/clock.ts';
import { DEVICE_KEPT_MS } from './known-devices.ts';

/** Over https no other host can set it. */
const nameFor = (issuer: string) => (issuer.startsWith('https:') ? '__Host-oxo_device' : 'oxo_device');

/** The token of the browser's device, as it came; empty for none. */
export function readDeviceCookie(request: Pick<IncomingMessage, 'headers'>, issuer: string): string {
  const name = nameFor(issuer);
  const pairs = (request.headers.cookie ?? '').split(/; */).map((pair) => pair.split(/=(.*)/s));
  return pairs.find(([key]) => key === name)?.[1] ?? '';
}

/** Has the browser keep the token, also when nobody is signed in any more: no script reads it, no other site's form brings it along. */
export function setDeviceCookie(response: ServerResponse, issuer: string, token: string): void {
  const secure = issuer.startsWith('https:') ? '; Secure' : '';
  const maxAge = DEVICE_KEPT_MS / SECOND_MS;
  response.appendHeader(
    'set-cookie',
    `${nameFor(issuer)}=${token}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}`,
  );
}

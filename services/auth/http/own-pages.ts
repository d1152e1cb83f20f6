import type { IncomingMessage } from 'node:http';

/**
 * Whether the request may come from a page of ours, as far as the browser says: where it says nothing, the token of the form decides alone.
 * Pages that name themselves to nobody post with the origin `null`.
 */
export function isFromOurPages({ headers }: Pick<IncomingMessage, 'headers'>, issuer: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = headers;
  return origin === undefined || origin === 'null' || origin === new URL(issuer).origin;
}

import { PROVIDER_POLICY, SAFE_HEADERS } from '../html/policy.ts';
import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import { expiredPage } from './problem-pages.ts';
import { visitOf } from './visit.ts';

/** What a page answers to being looked at, and to its form. */
export interface PageHandlers {
  get(exchange: HttpExchange): Promise<void>;
  post(exchange: HttpExchange, form: URLSearchParams): Promise<void>;
}

/**
 * Sends the person on, to an address of our own: the provider alone leads to clients.
 * @param location undefined: the request of the client is not there any more
 */
export function goOn({ request, response }: HttpExchange, location: string | undefined, issuer: string): void {
  if (location === undefined) {
    sendPage(response, 400, expiredPage(visitOf(request, issuer)));
    return;
  }
  const target = new URL(location, issuer);
  if (target.origin !== new URL(issuer).origin) throw new Error('A page would lead away from us.');
  response.writeHead(303, {
    ...SAFE_HEADERS,
    'content-security-policy': PROVIDER_POLICY,
    location: target.href,
    'content-length': 0,
  });
  response.end();
}

import { HOUR_MS } from '#kit/clock.ts';
import { cookieName, readCookie, setCookie } from '../http/cookies.ts';
import type { HttpExchange } from '../http/server.ts';
import { goOn } from './page-handlers.ts';

/** So long one may look at the page. */
const KEPT_MS = HOUR_MS;
const TOKEN = /^[\w-]{1,256}$/;

/** What a mail carries to a page: it leaves the address at once, and waits in the browser until its form is sent. */
export interface MailToken {
  /** @returns whether it was in the address: then the answer was to come again without it */
  take(exchange: HttpExchange): boolean;
  read({ request }: Pick<HttpExchange, 'request'>): string | undefined;
  forget({ response }: Pick<HttpExchange, 'response'>): void;
}

/** @param page its path, one for each kind of mail */
export function createMailToken(page: string, issuer: string): MailToken {
  const name = `oxo_mail_${page.slice(1)}`;
  return {
    take(exchange) {
      const token = exchange.query.get('token');
      if (token === null) return false;
      // What is none is answered as one that is too old.
      const value = TOKEN.test(token) ? token : 'none';
      setCookie(exchange.response, issuer, { name, value, maxAgeMs: KEPT_MS });
      goOn(exchange, page, issuer);
      return true;
    },
    read({ request }) {
      const value = readCookie(request.headers, cookieName(issuer, name)) ?? '';
      return TOKEN.test(value) ? value : undefined;
    },
    forget: ({ response }) => setCookie(response, issuer, { name, value: '', maxAgeMs: 0 }),
  };
}

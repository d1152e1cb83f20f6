import { randomBytes } from 'node:crypto';
import { cookieName, readCookie, setCookie } from '../http/cookies.ts';
import type { HttpExchange } from '../http/server.ts';
import { cookieKeys } from '../oauth/interactions/cookies.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';

/** Names a browser in which nobody has signed in yet. */
const BROWSER_COOKIE = 'oxo_form';
const BROWSER = /^[\w-]{32}$/;

/** What a form belongs to, besides its page: the request of a client, or the session at our pages; else the browser alone. */
export type FormOwner =
  | { interactionId: string; accountId: string | undefined }
  | Pick<BrowserSession, 'sessionId' | 'accountId'>
  | undefined;

/**
 * Tokens that show that a form that is posted is one that we have given to this browser, for this page and this owner. Ids of requests of
 * clients and of sessions come from cookies: only their browser is ever shown the token.
 */
export interface Forms {
  /** May set a cookie: to be called before the answer begins. @param page its path */
  tokenOf(exchange: Pick<HttpExchange, 'request' | 'response'>, page: string, owner?: FormOwner): string;
  isOurs(exchange: Pick<HttpExchange, 'request'>, page: string, form: URLSearchParams, owner?: FormOwner): boolean;
}

/** @param options.secrets the first signs, all verify */
export function createForms({ secrets, issuer }: { secrets: readonly string[]; issuer: string }): Forms {
  const keys = cookieKeys(secrets, 'forms of pages');

  function textOf(page: string, owner: FormOwner, browser: string): string {
    if (owner === undefined) return JSON.stringify([page, 'browser', browser]);
    const { accountId } = owner;
    return 'sessionId' in owner
      ? JSON.stringify([page, 'session', owner.sessionId, accountId])
      : JSON.stringify([page, 'interaction', owner.interactionId, accountId]);
  }

  function browserOf({ headers }: HttpExchange['request']): string | undefined {
    const value = readCookie(headers, cookieName(issuer, BROWSER_COOKIE)) ?? '';
    return BROWSER.test(value) ? value : undefined;
  }

  return {
    tokenOf({ request, response }, page, owner) {
      if (owner !== undefined) return keys.sign(textOf(page, owner, ''));
      const known = browserOf(request);
      const browser = known ?? randomBytes(24).toString('base64url');
      if (known === undefined) setCookie(response, issuer, { name: BROWSER_COOKIE, value: browser });
      return keys.sign(textOf(page, owner, browser));
    },
    isOurs({ request }, page, form, owner) {
      const browser = owner === undefined ? browserOf(request) : '';
      return browser !== undefined && keys.verify(textOf(page, owner, browser), form.get('token') ?? '');
    },
  };
}

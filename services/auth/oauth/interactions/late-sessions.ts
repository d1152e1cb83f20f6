import Provider, { type Session } from 'oidc-provider';
import { LIFETIMES_SECONDS } from '../lifetimes.ts';
import type { cookieOptions } from './cookies.ts';

/**
 * When a form of a device comes from a browser that has no session (any more), the library begins one for the page that says so, after it has
 * saved what it had: it would answer 500. Here that session is kept as any other, so that the form of that page works.
 */
export function keepLateSessions(provider: Provider, cookies: ReturnType<typeof cookieOptions>): void {
  const prototype = provider.Session.prototype as Session;
  const persist = prototype.persist;
  prototype.persist = function (this: Session) {
    if (typeof this.exp === 'number') return persist.call(this);
    Provider.ctx?.oidc.cookies.set(cookies.names.session, this.jti, cookies.long);
    return this.save(LIFETIMES_SECONDS.Session(undefined, this));
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { callOf } from '../http/call-of.ts';
import { cookieName, readCookie, setCookie } from '../http/cookies.ts';
import type { BrowserAccounts } from '../oauth/interactions/browser-accounts.ts';
import { deviceOfRequest } from '../origin/device.ts';
import { type BrowserSession, createBrowserSessions } from '../sessions/browser-sessions.ts';
import { MAX_AGE_MS, type OpenSession, type Sessions } from '../sessions/sessions.ts';

const SESSION_COOKIE = 'oxo_session';

/** Who is signed in at our pages, by the cookie of the browser. */
export interface Browsers extends BrowserAccounts {
  current(request: IncomingMessage): Promise<BrowserSession | undefined>;
  /** Gives the browser the session that was opened for it. */
  enter(response: ServerResponse, session: OpenSession): void;
  /** The session has ended with the account. */
  forget(response: ServerResponse): void;
  /** Ends the session of this browser, if there is one. @throws OxoError UNAVAILABLE as `Sessions.signOut` */
  leave(pair: { request: IncomingMessage; response: ServerResponse }): Promise<void>;
}

export function createBrowsers(parts: {
  db: Queryable;
  sessions: Pick<Sessions, 'signOut'>;
  issuer: string;
  clock: Clock;
}): Browsers {
  const { sessions, issuer, clock } = parts;
  const browserSessions = createBrowserSessions(parts);
  const name = cookieName(issuer, SESSION_COOKIE);

  const current = (request: IncomingMessage) =>
    browserSessions.find(readCookie(request.headers, name), deviceOfRequest(request));

  async function end(pair: { request: IncomingMessage; response: ServerResponse }, ofAccount?: string): Promise<void> {
    const { request, response } = pair;
    const session = await current(request);
    if (session === undefined || (ofAccount !== undefined && session.accountId !== ofAccount)) return;
    const { sessionId, accountId } = session;
    await sessions.signOut({ sessionId, userId: accountId }, 'this', callOf(request.headers, clock));
    forget(response);
  }

  const forget = (response: ServerResponse) =>
    setCookie(response, issuer, { name: SESSION_COOKIE, value: '', maxAgeMs: 0 });

  return {
    current,
    accountOf: async (request) => (await current(request))?.accountId,
    endOf: end,
    enter(response, { refreshToken: value }) {
      setCookie(response, issuer, { name: SESSION_COOKIE, value, maxAgeMs: MAX_AGE_MS });
    },
    forget,
    leave: (pair) => end(pair),
  };
}

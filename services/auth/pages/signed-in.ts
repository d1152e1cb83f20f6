import type { Clock } from '#kit/clock.ts';
import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import { SIGN_IN_PAGE } from '../oauth/routes.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';
import { RECENT_SIGN_IN_MS } from '../sessions/recent-sign-in.ts';
import type { Browsers } from './browsers.ts';
import type { Forms } from './forms.ts';
import type { Notices } from './notices.ts';
import type { OnceForms } from './once.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { foreignFormPage } from './problem-pages.ts';
import { type Visit, visitOf } from './visit.ts';

/** A visit of somebody who is signed in at our pages. */
export interface AccountVisit extends Visit {
  session: BrowserSession;
  /** For the forms of this page. */
  token: string;
  /** What was done here just now. */
  done?: string | undefined;
  /** Address of this page, which says what was done. */
  whenDone(done: string): string;
  /** Besides, for one of them that must not be done twice. */
  once: string;
}

/** What a page for those who are signed in answers. */
export interface AccountPage {
  /** From the root on; also what its forms are bound to. */
  path: string;
  /** Only soon after a sign-in: else the password is asked for again. */
  isSensitive?: boolean;
  get(exchange: HttpExchange, visit: AccountVisit): Promise<void>;
  /** Gets only forms that we have given to this session. */
  post?(exchange: HttpExchange, visit: AccountVisit, form: URLSearchParams): Promise<void>;
}

/** Lets nobody in who is not signed in: they come back when they are. */
export function createSignedIn(parts: {
  browsers: Pick<Browsers, 'current'>;
  forms: Forms;
  onceForms: Pick<OnceForms, 'tokenOf'>;
  notices: Notices;
  issuer: string;
  clock: Clock;
}): (page: AccountPage) => PageHandlers {
  const { browsers, forms, onceForms, notices, issuer, clock } = parts;

  return ({ path, isSensitive = false, get, post }) => {
    /** @returns undefined when the person was led to the sign-in */
    async function enter(exchange: HttpExchange, back: string): Promise<AccountVisit | undefined> {
      const session = await browsers.current(exchange.request);
      const isOld = isSensitive && session !== undefined && clock.nowMs() - session.signedInAtMs > RECENT_SIGN_IN_MS;
      if (session === undefined || isOld) {
        const query = new URLSearchParams({ ...(isOld ? { confirm: 'yes' } : {}), back });
        goOn(exchange, `${SIGN_IN_PAGE}?${query}`, issuer);
        return undefined;
      }
      const visit = visitOf(exchange.request, issuer, back);
      const once = onceForms.tokenOf(path, session);
      const done = notices.read(path, session, exchange.query);
      const whenDone = (what: string) => notices.addressOf(path, session, what);
      return { ...visit, session, done, whenDone, token: forms.tokenOf(exchange, path, session), once };
    }

    return {
      async get(exchange) {
        const visit = await enter(exchange, exchange.request.url ?? path);
        if (visit !== undefined) await get(exchange, visit);
      },
      async post(exchange, form) {
        const visit = await enter(exchange, path);
        if (visit === undefined) return;
        if (!forms.isOurs(exchange, path, form, visit.session))
          return sendPage(exchange.response, 403, foreignFormPage(visit));
        await post?.(exchange, visit, form);
      },
    };
  };
}

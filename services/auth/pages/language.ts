import { DAY_MS } from '#kit/clock.ts';
import { setCookie } from '../http/cookies.ts';
import { LANGUAGE_COOKIE } from '../http/language-of.ts';
import { languageOfTag } from '../i18n/language.ts';
import { SIGN_IN_PAGE } from '../oauth/routes.ts';
import { isOwnAddress } from './own-addresses.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';

const KEPT_MS = 365 * DAY_MS;

/** Keeps the choice of a language in the browser, and goes back to the page on which it was made. */
export function language({ issuer }: { issuer: string }): Pick<PageHandlers, 'post'> {
  return {
    async post(exchange, form) {
      const chosen = languageOfTag(form.get('language') ?? '');
      if (chosen !== undefined) {
        setCookie(exchange.response, issuer, { name: LANGUAGE_COOKIE, value: chosen, maxAgeMs: KEPT_MS });
      }
      const back = form.get('back') ?? '';
      goOn(exchange, isOwnAddress(back) ? back : SIGN_IN_PAGE, issuer);
    },
  };
}

import { hidden } from '../html/fields.ts';
import { html } from '../html/html.ts';
import { CLEAR_CACHE } from '../html/policy.ts';
import { sendPage } from '../html/send.ts';
import type { OAuthPages } from '../oauth/interactions/pages.ts';
import type { OAuth } from '../oauth/oauth.ts';
import { ACCOUNT_PAGE, SIGN_OUT_PAGE } from '../oauth/routes.ts';
import type { Browsers } from './browsers.ts';
import type { Forms } from './forms.ts';
import { layout } from './layout.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { foreignFormPage } from './problem-pages.ts';
import { visitOf } from './visit.ts';

export interface SignOutDependencies {
  browsers: Pick<Browsers, 'current' | 'leave'>;
  endBrowser: OAuth['endBrowser'];
  oauthPages: Pick<OAuthPages, 'signedOut'>;
  forms: Forms;
  issuer: string;
}

/** Signs a person out of this browser: at our pages, and as apps know them. */
export function signOut({ browsers, endBrowser, oauthPages, forms, issuer }: SignOutDependencies): PageHandlers {
  return {
    async get(exchange) {
      const visit = visitOf(exchange.request, issuer);
      const { title, effect, confirm, stay } = visit.texts.signOut;
      const token = forms.tokenOf(exchange, SIGN_OUT_PAGE, await browsers.current(exchange.request));
      const page = layout(visit, {
        title,
        body: html`<p>${effect}</p>
<form method="post" action="${SIGN_OUT_PAGE}">
${hidden({ token })}<p class="actions"><button type="submit" name="logout" value="yes">${confirm}</button>
<button type="submit" class="second">${stay}</button></p>
</form>`,
      });
      sendPage(exchange.response, 200, page);
    },
    async post(exchange, form) {
      const { request, response } = exchange;
      const session = await browsers.current(request);
      if (!forms.isOurs(exchange, SIGN_OUT_PAGE, form, session))
        return sendPage(response, 403, foreignFormPage(visitOf(request, issuer)));
      if (form.get('logout') !== 'yes') return goOn(exchange, ACCOUNT_PAGE, issuer);
      // What fails can be done again: the session is there until all else has ended.
      await endBrowser(exchange);
      await browsers.leave(exchange);
      response.setHeader(...CLEAR_CACHE);
      sendPage(response, 200, oauthPages.signedOut(request, { clientName: undefined }));
    },
  };
}

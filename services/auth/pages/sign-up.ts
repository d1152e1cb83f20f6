import type { Registration } from '../accounts/registration.ts';
import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import type { Interactions } from '../oauth/interactions/interactions.ts';
import { SIGN_UP_PAGE } from '../oauth/routes.ts';
import type { OpenedSession } from '../sessions/sessions.ts';
import type { Arrive } from './arriving.ts';
import { attempt } from './attempt.ts';
import type { Browsers } from './browsers.ts';
import { destinationOf, formOwnerOf } from './destination.ts';
import type { Forms } from './forms.ts';
import type { PageHandlers } from './page-handlers.ts';
import { readPosted } from './posted.ts';
import { expiredPage } from './problem-pages.ts';
import { refusalOf } from './refusals.ts';
import { type SignUpPage, signUpPage } from './sign-up-page.ts';
import { type Visit, visitOf } from './visit.ts';

export interface SignUpDependencies {
  interactions: Interactions;
  browsers: Pick<Browsers, 'current'>;
  registration: Registration;
  arrive: Arrive;
  forms: Forms;
  issuer: string;
}

/** Makes an account and signs in to it, with the checks, the limits and the words of the RPC Register. */
export function signUp(dependencies: SignUpDependencies): PageHandlers {
  const { interactions, browsers, registration, arrive, forms, issuer } = dependencies;

  function show(exchange: HttpExchange, visit: Visit, page: Omit<SignUpPage, 'token'>): void {
    const token = forms.tokenOf(exchange, SIGN_UP_PAGE, formOwnerOf(page.destination));
    sendPage(exchange.response, page.refusal?.status ?? 200, signUpPage(visit, { ...page, token }));
  }

  return {
    async get(exchange) {
      const visit = visitOf(exchange.request, issuer);
      const destination = await destinationOf(exchange, exchange.query, interactions);
      if (destination === undefined) return sendPage(exchange.response, 400, expiredPage(visit));
      show(exchange, visit, { destination, typed: { handle: '', email: '', displayName: '' } });
    },
    async post(exchange, form) {
      const posted = await readPosted(exchange, form, SIGN_UP_PAGE, { interactions, forms, issuer });
      if (posted === undefined) return;
      const { visit, destination } = posted;
      const typed = {
        handle: (form.get('handle') ?? '').trim().toLowerCase(),
        email: form.get('email') ?? '',
        displayName: form.get('displayName') ?? '',
      };
      let session: OpenedSession;
      try {
        const request = { ...typed, password: form.get('password') ?? '' };
        const replaced = await browsers.current(exchange.request);
        const opening = { kind: 'BROWSER', replaced } as const;
        const made = await attempt(exchange, visit, issuer, (source) => registration(request, source, opening));
        session = made.session;
      } catch (error) {
        const refusal = refusalOf(exchange, error, visit.texts, 'password');
        return show(exchange, visit, { destination, typed, refusal });
      }
      await arrive(exchange, destination, session);
    },
  };
}

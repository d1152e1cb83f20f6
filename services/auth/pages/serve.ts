import type { Clock } from '#kit/clock.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Credentials } from '../accounts/credentials.ts';
import type { Registration } from '../accounts/registration.ts';
import type { Attempts } from '../attempts/attempts.ts';
import { sendScript } from '../html/script.ts';
import { sendPage } from '../html/send.ts';
import { readForm } from '../http/forms.ts';
import { isFromOurPages } from '../http/own-pages.ts';
import type { HttpExchange, HttpServer } from '../http/server.ts';
import type { OAuthPages } from '../oauth/interactions/pages.ts';
import type { OAuth, OAuthSettings } from '../oauth/oauth.ts';
import {
  CODE_PAGE,
  CONSENT_PAGE,
  FORGOT_PAGE,
  KEEP_EMAIL_PAGE,
  LANGUAGE_PAGE,
  RESET_PAGE,
  SIGN_IN_PAGE,
  SIGN_OUT_PAGE,
  SIGN_UP_PAGE,
  VERIFY_PAGE,
} from '../oauth/routes.ts';
import type { PasskeySignIns } from '../passkeys/passkey-sign-ins.ts';
import type { Profiles } from '../profiles/profiles.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SingleUse } from '../tokens/single-use.ts';
import { type AccountPagesParts, accountPages } from './account/pages.ts';
import { createArrive } from './arriving.ts';
import type { Browsers } from './browsers.ts';
import { consent } from './consent.ts';
import { createForms } from './forms.ts';
import { language } from './language.ts';
import { forgot, keepEmail, reset, verify } from './mailed.ts';
import { createNotices } from './notices.ts';
import { createOnceForms } from './once.ts';
import type { PageHandlers } from './page-handlers.ts';
import { createPasskeyQuestion, SCRIPT_PATH } from './passkey-question.ts';
import { foreignFormPage, missingPage } from './problem-pages.ts';
import { createProblems } from './problems.ts';
import { code } from './sign-in/code.ts';
import { createOpening } from './sign-in/opening.ts';
import { signIn } from './sign-in/sign-in.ts';
import { createSignInSteps } from './sign-in/steps.ts';
import { signOut } from './sign-out.ts';
import { signUp } from './sign-up.ts';
import { createSignedIn } from './signed-in.ts';
import { visitOf } from './visit.ts';

export interface PagesParts
  extends Pick<AccountPagesParts, 'db' | 'ownProfile' | 'apiKeys' | 'changes' | 'mfa' | 'passkeys'> {
  http: HttpServer;
  oauth: Pick<OAuth, 'interactions' | 'endBrowser' | 'consents'>;
  oauthPages: OAuthPages;
  browsers: Browsers;
  sessions: Pick<Sessions, 'open' | 'revoke'>;
  credentials: Credentials;
  registration: Registration;
  profiles: Pick<Profiles, 'byId'>;
  attempts: Pick<Attempts, 'verify'>;
  singleUse: SingleUse;
  passkeySignIns: PasskeySignIns;
  settings: Pick<OAuthSettings, 'issuer' | 'cookieSecrets'>;
  logger: Logger;
  clock: Clock;
}

/** Serves the pages, by plain forms. What the provider shows itself is in `oauth-pages.ts`. */
export function servePages(parts: PagesParts): void {
  const { http, oauth, settings, logger, ...rest } = parts;
  const { interactions, endBrowser, consents } = oauth;
  const { issuer } = settings;
  const signed = { ...parts, secrets: settings.cookieSecrets, issuer };
  const forms = createForms(signed);
  const notices = createNotices(signed);
  const [onceForms, steps, opening] = [createOnceForms(signed), createSignInSteps(signed), createOpening(signed)];
  const arrive = createArrive({ browsers: parts.browsers, interactions, endOthers: endBrowser, issuer });
  const passkeyQuestion = createPasskeyQuestion(parts);
  const showProblem = createProblems({ browsers: parts.browsers, issuer, logger });
  const shared = {
    passkeyQuestion,
    ...rest,
    interactions,
    endBrowser,
    consents,
    forms,
    onceForms,
    notices,
    steps,
    opening,
    arrive,
    issuer,
  };

  async function answer(exchange: HttpExchange, { get, post }: Partial<PageHandlers>): Promise<void> {
    const { request, response } = exchange;
    if (isRead(request.method)) return get?.(exchange);
    if (!isFromOurPages(request, issuer)) return sendPage(response, 403, foreignFormPage(visitOf(request, issuer)));
    return post?.(exchange, await readForm(exchange));
  }

  function serve(path: string, handlers: Partial<PageHandlers>): void {
    const methods = [...(handlers.get ? ['GET', 'HEAD'] : []), ...(handlers.post ? ['POST'] : [])];
    http.handle({ path, methods, lane: 'pages' }, async (exchange) => {
      exchange.response.setHeader('x-request-id', exchange.requestId);
      try {
        await answer(exchange, handlers);
      } catch (error) {
        showProblem(exchange, error);
      }
    });
  }

  http.handle({ path: SCRIPT_PATH, methods: ['GET'], lane: 'pages' }, ({ response }) => sendScript(response));
  http.handleMissing(({ request, response, requestId }) => {
    response.setHeader('x-request-id', requestId);
    sendPage(response, 404, missingPage(visitOf(request, issuer)));
  });
  serve(SIGN_IN_PAGE, signIn(shared));
  serve(CODE_PAGE, code(shared));
  serve(SIGN_UP_PAGE, signUp(shared));
  serve(SIGN_OUT_PAGE, signOut(shared));
  serve(FORGOT_PAGE, forgot(shared));
  serve(RESET_PAGE, reset(shared));
  serve(VERIFY_PAGE, verify(shared));
  serve(KEEP_EMAIL_PAGE, keepEmail(shared));
  serve(CONSENT_PAGE, consent(shared));
  serve(LANGUAGE_PAGE, language({ issuer }));
  const signedIn = createSignedIn(shared);
  for (const page of accountPages(shared)) serve(page.path, signedIn(page));
}

/** Of what is asked by HEAD, Node sends the headers alone. */
const isRead = (method: string | undefined) => method === 'GET' || method === 'HEAD';

import type { Clock } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Credentials } from '../accounts/credentials.ts';
import type { Profiles } from '../accounts/profiles.ts';
import type { Page } from '../html/document.ts';
import { sendPage } from '../html/send.ts';
import { readForm } from '../http/forms.ts';
import { isFromOurPages } from '../http/own-pages.ts';
import type { Exchange, HttpServer } from '../http/server.ts';
import type { OAuth, OAuthSettings } from '../oauth/oauth.ts';
import { CONSENT_PAGE, LANGUAGE_PAGE, OAUTH_ROUTES, SIGN_IN_PAGE, SIGN_OUT_PAGE } from '../oauth/routes.ts';
import { consent } from './consent.ts';
import { createFormTokens } from './form-tokens.ts';
import { language } from './language.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { awayPage, expiredPage, failedPage, foreignFormPage } from './problem-pages.ts';
import { signIn } from './sign-in.ts';
import { type Visit, visitOf } from './visit.ts';

/** Serves the pages on which people sign in and consent, by plain forms. What the provider shows itself is in `oauth-pages.ts`. */
export function servePages(options: {
  http: HttpServer;
  oauth: Pick<OAuth, 'interactions'>;
  accounts: Pick<Accounts, 'enter'>;
  credentials: Credentials;
  profiles: Pick<Profiles, 'byId'>;
  settings: Pick<OAuthSettings, 'issuer' | 'cookieSecrets'>;
  logger: Logger;
  clock: Clock;
}): void {
  const { http, oauth, settings, logger, ...rest } = options;
  const { issuer } = settings;
  const shared = {
    ...rest,
    interactions: oauth.interactions,
    tokens: createFormTokens(settings.cookieSecrets),
    issuer,
  };

  async function answer(exchange: Exchange, { get, post }: Partial<PageHandlers>): Promise<void> {
    const { request, response } = exchange;
    if (request.method === 'GET') return get?.(exchange);
    if (!isFromOurPages(request, issuer)) return sendPage(response, 403, foreignFormPage(visitOf(request, issuer)));
    return post?.(exchange, await readForm(exchange));
  }

  function serve(path: string, handlers: Partial<PageHandlers>): void {
    const methods = [...(handlers.get ? ['GET'] : []), ...(handlers.post ? ['POST'] : [])];
    http.handle({ path, methods, lane: 'pages' }, async (exchange) => {
      exchange.response.setHeader('x-request-id', exchange.requestId);
      try {
        await answer(exchange, handlers);
      } catch (error) {
        showError(exchange, error, { logger, issuer });
      }
    });
  }

  serve(SIGN_IN_PAGE, signIn(shared));
  serve(CONSENT_PAGE, consent(shared));
  serve(LANGUAGE_PAGE, language({ issuer }));
  http.handle({ path: SIGN_OUT_PAGE, methods: ['GET'], lane: 'pages' }, (exchange) => {
    goOn(exchange, OAUTH_ROUTES.end_session, issuer);
  });
}

function showError(
  { request, response, requestId, path }: Exchange,
  error: unknown,
  { logger, issuer }: { logger: Logger; issuer: string },
): void {
  if (response.headersSent || response.destroyed) return;
  // What nobody has read of a body is thrown away with the connection.
  if (!request.complete) response.setHeader('connection', 'close');
  const { status, page } = problemOf(visitOf(request, issuer), error, requestId);
  if (status === 500) logger.error({ err: error, requestId, method: request.method, path }, 'request failed');
  if (status === 503) response.setHeader('retry-after', '1');
  sendPage(response, status, page);
}

function problemOf(visit: Visit, error: unknown, requestId: string): { status: number; page: Page } {
  // The provider's own: what was under way has ended meanwhile, or a store is away.
  if (error instanceof Error && error.name === 'InvalidGrant') return { status: 400, page: expiredPage(visit) };
  if (error instanceof Error && error.name === 'TemporarilyUnavailable') return { status: 503, page: awayPage(visit) };
  const reason = error instanceof OxoError ? error.reason : 'INTERNAL';
  if (reason === 'BODY_TOO_LARGE') return { status: 413, page: foreignFormPage(visit) };
  if (reason === 'REQUEST_MALFORMED') return { status: 400, page: foreignFormPage(visit) };
  if (reason === 'INTERNAL') return { status: 500, page: failedPage(visit, requestId) };
  return { status: 503, page: awayPage(visit) };
}

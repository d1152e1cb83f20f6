import { SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Page } from '../html/document.ts';
import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import { SIGN_IN_PAGE } from '../oauth/routes.ts';
import type { Browsers } from './browsers.ts';
import { goOn } from './page-handlers.ts';
import { awayPage, expiredPage, failedPage, foreignFormPage, waitPage } from './problem-pages.ts';
import { type Visit, visitOf } from './visit.ts';

/** A page that tells of an error, and when to try again. */
interface Problem {
  status: number;
  page: Page;
  retryAfterMs?: number;
}

/** What no page has told of itself: `refusalOf` throws it on. Whoever is signed in no more comes to the sign-in; what nobody has thought of is logged. */
export function createProblems(parts: {
  browsers: Pick<Browsers, 'forget'>;
  issuer: string;
  logger: Logger;
}): (exchange: HttpExchange, error: unknown) => void {
  const { browsers, issuer, logger } = parts;

  return (exchange, error) => {
    const { request, response, requestId, path } = exchange;
    if (response.headersSent || response.destroyed) return;
    // What nobody has read of a body is thrown away with the connection.
    if (!request.complete) response.setHeader('connection', 'close');
    if (error instanceof OxoError && error.reason === 'SESSION_REVOKED') {
      // A cookie that seems good still would lead back from there, and here again.
      browsers.forget(response);
      goOn(exchange, `${SIGN_IN_PAGE}?${new URLSearchParams({ back: path })}`, issuer);
      return;
    }
    const { status, page, retryAfterMs } = problemOf(visitOf(request, issuer), error, requestId);
    if (status === 500) logger.error({ err: error, requestId, method: request.method, path }, 'request failed');
    if (retryAfterMs !== undefined) response.setHeader('retry-after', String(Math.ceil(retryAfterMs / SECOND_MS)));
    sendPage(response, status, page);
  };
}

function problemOf(visit: Visit, error: unknown, requestId: string): Problem {
  // The provider's own: what was under way has ended meanwhile, or a store is away.
  if (error instanceof Error && error.name === 'TemporarilyUnavailable') return away(visit);
  if (error instanceof Error && error.name === 'InvalidGrant') return { status: 400, page: expiredPage(visit) };
  const { reason, retryAfterMs = SECOND_MS } = error instanceof OxoError ? error : { reason: 'INTERNAL' };
  switch (reason) {
    case 'BODY_TOO_LARGE':
      return { status: 413, page: foreignFormPage(visit) };
    case 'REQUEST_MALFORMED':
      return { status: 400, page: foreignFormPage(visit) };
    case 'RATE_LIMITED':
      return { status: 429, page: waitPage(visit, visit.texts.refusals.RATE_LIMITED, retryAfterMs), retryAfterMs };
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
    case 'REQUEST_TIMEOUT':
    case 'CANCELLED':
      return away(visit);
    default:
      return { status: 500, page: failedPage(visit, requestId) };
  }
}

function away(visit: Visit): Problem {
  return { status: 503, page: awayPage(visit), retryAfterMs: SECOND_MS };
}

import type Provider from 'oidc-provider';
import { SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { PROVIDER_POLICY, SAFE_HEADERS } from '../html/policy.ts';
import { sendJson } from '../http/answers.ts';
import type { HttpExchange, HttpServer } from '../http/server.ts';
import { guardForms, refuse } from './interactions/form-guard.ts';
import type { OAuthPages } from './interactions/pages.ts';
import { createOAuthLimits, type OAuthAttempts, tooMany as slowDown } from './limits.ts';
import { DEVICE_PAGE, OAUTH_PATHS, OAUTH_ROUTES } from './routes.ts';

/** Headers by which a request could say that it came to another host, or from somewhere else than the front door says. */
const CLAIMED = ['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-server', 'forwarded', 'x-real-ip'];

/**
 * Serves OAuth: what the provider answers at its paths.
 * @param options.provider the one for the present keys
 * @param options.attempts limits what one network registers and begins, and how many wrong codes and tokens it shows
 */
export function serveOAuth(options: {
  http: HttpServer;
  issuer: string;
  provider: () => Promise<Provider>;
  pages: OAuthPages;
  attempts: OAuthAttempts;
}): void {
  const { http, provider, pages } = options;
  const issuer = new URL(options.issuer);
  const limits = createOAuthLimits(options.attempts);
  const isFormGood = guardForms(options);
  const handlers = new WeakMap<Provider, ReturnType<Provider['callback']>>();
  async function handler() {
    const current = await provider();
    const known = handlers.get(current);
    if (known !== undefined) return known;
    limits.watch(current);
    const made = current.callback();
    handlers.set(current, made);
    return made;
  }

  async function answer(exchange: HttpExchange): Promise<void> {
    const { request, response, path } = exchange;
    // The provider would tell of errors by a page to who asks for one; endpoints answer in JSON (RFC 6749, section 5.2).
    if (!isSeenByPeople(path)) request.headers.accept = 'application/json';
    // All that it says of itself, and whether its cookies are secure, follows from the issuer and not from the request.
    for (const name of CLAIMED) delete request.headers[name];
    request.headers.host = issuer.host;
    request.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    response.setHeader('content-security-policy', PROVIDER_POLICY);
    response.setHeader('x-request-id', exchange.requestId);
    await (await handler())(request, response);
  }

  for (const route of OAUTH_PATHS) {
    http.handle({ ...route, lane: 'oauth' }, async (exchange) => {
      try {
        if (!isFormGood(exchange)) return;
        const end = await limits.begin(route.path, exchange);
        await answer(exchange);
        end();
      } catch (error) {
        if (!(error instanceof OxoError) || error.reason !== 'RATE_LIMITED') throw error;
        refuseForNow(exchange, error.retryAfterMs ?? SECOND_MS, pages);
      }
    });
  }
}

const SEEN_BY_PEOPLE = [OAUTH_ROUTES.authorization, DEVICE_PAGE, OAUTH_ROUTES.end_session];

function isSeenByPeople(path: string): boolean {
  return SEEN_BY_PEOPLE.some((page) => path === page || path.startsWith(`${page}/`));
}

function refuseForNow({ request, response, path }: HttpExchange, waitMs: number, pages: OAuthPages): void {
  response.setHeader('retry-after', String(Math.ceil(waitMs / SECOND_MS)));
  const tooMany = path === DEVICE_PAGE ? 'CODES' : 'REQUESTS';
  if (!isSeenByPeople(path)) sendJson(response, 429, slowDown);
  else refuse(response, 429, pages.wait(request, { tooMany, retryAfterMs: waitMs }));
}

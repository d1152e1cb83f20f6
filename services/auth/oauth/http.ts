import type { ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import type { Attempt, Attempts } from '../attempts/attempts.ts';
import { sendJson } from '../http/answers.ts';
import type { Exchange, HttpServer } from '../http/server.ts';
import { PROVIDER_POLICY, SAFE_HEADERS } from '../pages/layout.ts';
import { networkOf } from '../sessions/device.ts';
import { guardForms } from './interactions/form-guard.ts';
import { OAUTH_PATHS, OAUTH_ROUTES } from './routes.ts';

/** Headers by which a request could say that it came to another host, or from somewhere else than the front door says. */
const CLAIMED = ['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-server', 'forwarded', 'x-real-ip'];

/**
 * Serves OAuth: what the provider answers at its paths.
 * @param options.provider the one for the present keys
 * @param options.attempts limits how many clients one network registers, and how many wrong codes and tokens it shows
 */
export function serveOAuth(options: {
  http: HttpServer;
  issuer: string;
  provider: () => Promise<Provider>;
  attempts: Pick<Attempts, 'client' | 'deviceCode' | 'token' | 'introspection'>;
}): void {
  const { http, provider, attempts } = options;
  const issuer = new URL(options.issuer);
  /** Answers to devices that wait. */
  const patient = new WeakSet<ServerResponse>();

  const isFormGood = guardForms({ issuer: options.issuer, attempts });
  const handlers = new WeakMap<Provider, ReturnType<Provider['callback']>>();
  async function handler() {
    const current = await provider();
    const known = handlers.get(current);
    if (known !== undefined) return known;
    current.on('grant.error', ({ res }, { error }) => {
      if (error === 'authorization_pending' || error === 'slow_down') patient.add(res);
    });
    const made = current.callback();
    handlers.set(current, made);
    return made;
  }

  async function answer(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    // All that it says of itself, and whether its cookies are secure, follows from the issuer and not from the request.
    for (const name of CLAIMED) delete request.headers[name];
    request.headers.host = issuer.host;
    request.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    response.setHeader('content-security-policy', PROVIDER_POLICY);
    response.setHeader('x-request-id', exchange.requestId);
    await (await handler())(request, response);
  }

  /** It was right, or asks whether somebody has agreed meanwhile, as devices do again and again (RFC 8628). */
  const isHarmless = (response: ServerResponse) => response.statusCode < 400 || patient.has(response);

  /** Undefined for what nobody gains by trying. */
  async function attempt(path: string, { request, device }: Exchange): Promise<Attempt | undefined> {
    if (request.method !== 'POST') return undefined;
    const network = networkOf(device.ip);
    if (path === OAUTH_ROUTES.registration) return attempts.client(network);
    if (path === OAUTH_ROUTES.token) return attempts.token(network);
    return TRIED.has(path) ? attempts.introspection(network) : undefined;
  }

  for (const route of OAUTH_PATHS) {
    http.handle({ ...route, lane: 'oauth' }, async (exchange) => {
      try {
        const counted = await attempt(route.path, exchange);
        if (await isFormGood(exchange)) await answer(exchange);
        if (TRIED.has(route.path) && isHarmless(exchange.response)) counted?.giveBack();
      } catch (error) {
        if (!(error instanceof OxoError) || error.reason !== 'RATE_LIMITED') throw error;
        refuseForNow(exchange.response, error.retryAfterMs ?? SECOND_MS);
      }
    });
  }
}

/** Where codes, refresh tokens and clients' secrets are shown. */
const TRIED = new Set<string>([OAUTH_ROUTES.token, OAUTH_ROUTES.introspection, OAUTH_ROUTES.revocation]);

/** OAuth has no error for it: the status says it, and a word that another part of it has. */
function refuseForNow(response: ServerResponse, waitMs: number): void {
  response.setHeader('retry-after', String(Math.ceil(waitMs / SECOND_MS)));
  const error_description = 'too many attempts from this network';
  sendJson(response, 429, { error: 'slow_down', error_description });
}

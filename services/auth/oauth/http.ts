import type { ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { SECOND_MS } from '#kit/clock.ts';
import { sendJson } from '../http/answers.ts';
import type { Exchange, HttpServer } from '../http/server.ts';
import { networkOf } from '../sessions/device.ts';
import { PAGE_POLICY } from './pages.ts';
import type { NetworkLimit } from './registration-limit.ts';
import { OAUTH_PATHS, OAUTH_ROUTES } from './routes.ts';

/** Headers by which a request could say that it came to another host, or from somewhere else than the front door says. */
const CLAIMED = ['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-server', 'forwarded', 'x-real-ip'];

/**
 * Serves OAuth: what the provider answers at its paths.
 * @param options.provider the one for the present keys
 * @param options.registrations limits how many clients one network registers
 */
export function serveOAuth(options: {
  http: HttpServer;
  issuer: string;
  provider: () => Promise<Provider>;
  registrations: NetworkLimit;
}): void {
  const { http, provider, registrations } = options;
  const issuer = new URL(options.issuer);

  const handlers = new WeakMap<Provider, ReturnType<Provider['callback']>>();
  async function handler() {
    const current = await provider();
    const made = handlers.get(current) ?? current.callback();
    handlers.set(current, made);
    return made;
  }

  async function answer(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    // All that it says of itself, and whether its cookies are secure, follows from the issuer and not from the request.
    for (const name of CLAIMED) delete request.headers[name];
    request.headers.host = issuer.host;
    request.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
    response.setHeader('content-security-policy', PAGE_POLICY);
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-request-id', exchange.requestId);
    await (await handler())(request, response);
  }

  for (const route of OAUTH_PATHS) {
    const isRegistration = route.path === OAUTH_ROUTES.registration;
    http.handle({ ...route, lane: 'oauth' }, async (exchange) => {
      const waitMs = isRegistration ? registrations(networkOf(exchange.device.ip)) : undefined;
      if (waitMs === undefined) await answer(exchange);
      else refuseForNow(exchange.response, waitMs);
    });
  }
}

/** RFC 7591 has no error for it: the status says it, and a word that another part of OAuth has. */
function refuseForNow(response: ServerResponse, waitMs: number): void {
  response.setHeader('retry-after', String(Math.ceil(waitMs / SECOND_MS)));
  const error_description = 'too many clients were registered from this network';
  sendJson(response, 429, { error: 'slow_down', error_description });
}

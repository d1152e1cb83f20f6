import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { SECOND_MS } from '#kit/clock.ts';
import { hasReason, OxoError } from '#kit/errors.ts';
import type { Attempt, Attempts } from '../attempts/attempts.ts';
import type { HttpExchange } from '../http/server.ts';
import { deviceOfHeaders, networkOf } from '../origin/device.ts';
import { wasCodeWrong } from './interactions/page-sources.ts';
import { DEVICE_PAGE, OAUTH_ROUTES } from './routes.ts';

/** The provider's pages that write a row for whoever asks for them. */
const BEGINNINGS = new Set<string>([OAUTH_ROUTES.authorization, DEVICE_PAGE, OAUTH_ROUTES.end_session]);
/** Where codes, refresh tokens and clients' secrets are shown. */
const SHOWN: ReadonlyMap<string, 'token' | 'introspection'> = new Map([
  [OAUTH_ROUTES.token, 'token'],
  [OAUTH_ROUTES.introspection, 'introspection'],
  [OAUTH_ROUTES.revocation, 'introspection'],
]);

export type OAuthAttempts = Pick<
  Attempts,
  'browser' | 'client' | 'deviceCode' | 'token' | 'introspection' | 'device' | 'ownToken'
>;

/** What networks may ask of OAuth. */
export interface OAuthLimits {
  /**
   * Counts a request that is about to be answered, unless nobody gains by repeating it.
   * @returns what to call when it is answered
   * @throws OxoError RATE_LIMITED
   */
  begin(path: string, exchange: HttpExchange): Promise<() => void>;
  /** Counts what a new provider refuses. */
  watch(provider: Provider): void;
}

export function createOAuthLimits(attempts: OAuthAttempts): OAuthLimits {
  /** Answers to devices that wait: they ask whether somebody has agreed meanwhile, again and again (RFC 8628). */
  const patient = new WeakSet<ServerResponse>();
  /** Answers to browsers that were sent to our pages, not on to the client. */
  const started = new WeakSet<ServerResponse>();

  function attempt(path: string, { request, device }: HttpExchange): Promise<Attempt> | undefined {
    const network = networkOf(device.ip);
    if (request.method === 'GET') return BEGINNINGS.has(path) ? attempts.browser(network) : undefined;
    if (request.method !== 'POST') return undefined;
    if (path === OAUTH_ROUTES.registration) return attempts.client(network);
    return path === DEVICE_PAGE ? attempts.deviceCode(network) : undefined;
  }

  /** Nothing is left of it, or it was right. */
  function isHarmless(path: string, { request, response }: HttpExchange): boolean {
    if (path === OAUTH_ROUTES.authorization) return response.statusCode === 303 && !started.has(response);
    return path === DEVICE_PAGE && request.method === 'POST' && response.statusCode < 400 && !wasCodeWrong(response);
  }

  /** @returns how long to wait, when more than enough was wrong */
  async function countWrong(kind: 'token' | 'introspection', request: IncomingMessage): Promise<number | undefined> {
    const { ip } = deviceOfHeaders((name) => [request.headers[name]].flat()[0]);
    try {
      await attempts[kind](networkOf(ip));
      return undefined;
    } catch (error) {
      if (!hasReason(error, 'RATE_LIMITED') || !(error instanceof OxoError)) throw error;
      return error.retryAfterMs ?? SECOND_MS;
    }
  }

  /**
   * What is right passes, whoever in the network has been wrong: to look a hash up costs little, and nobody guesses 256 bits. What is wrong
   * is told to slow down.
   */
  async function refuseWrong(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
    await next();
    const kind = SHOWN.get(ctx.path);
    if (kind === undefined || ctx.status < 400 || ctx.status >= 500 || ctx.status === 429) return;
    if (patient.has(ctx.res)) return;
    const waitMs = await countWrong(kind, ctx.req);
    if (waitMs === undefined) return;
    ctx.status = 429;
    ctx.remove('www-authenticate');
    ctx.set('retry-after', String(Math.ceil(waitMs / SECOND_MS)));
    ctx.body = tooMany;
  }

  return {
    async begin(path, exchange) {
      const counted = await attempt(path, exchange);
      return () => {
        if (isHarmless(path, exchange)) counted?.giveBack();
      };
    },
    watch(provider) {
      provider.on('grant.error', ({ res }, { error }) => {
        if (error === 'authorization_pending' || error === 'slow_down') patient.add(res);
      });
      provider.on('interaction.started', ({ res }) => started.add(res));
      provider.use(refuseWrong);
    },
  };
}

/** OAuth has no error for it: the status says it, and a word that another part of it has. */
export const tooMany = { error: 'slow_down', error_description: 'too many attempts from this network' };

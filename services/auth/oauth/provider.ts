import { timingSafeEqual } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import Provider, { type Configuration, errors, type FindAccount, type KoaContextWithOIDC } from 'oidc-provider';
import { systemClock } from '#kit/clock.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { NOBODY } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { Consents } from '../consents/consents.ts';
import { callOf } from '../http/call-of.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import type { CountSignIn } from '../sign-ins/sign-in-metrics.ts';
import { OAUTH_SCOPES } from '../tokens/scopes.ts';
import type { TaggedTokens } from '../tokens/tags.ts';
import {
  checkMetadata,
  checkOwnScopes,
  DEFAULT_METADATA,
  EXTRA_METADATA,
  withoutRedirects,
} from './clients/client-metadata.ts';
import { secretDigest } from './clients/clients.ts';
import { isRedirectAllowed, targetOf } from './clients/redirect-uris.ts';
import { countGrants } from './counted-grants.ts';
import { checkAskedScopes } from './interactions/asked-scopes.ts';
import type { BrowserAccounts } from './interactions/browser-accounts.ts';
import { cookieOptions } from './interactions/cookies.ts';
import { CLAIMS } from './interactions/find-account.ts';
import { interactionUrl } from './interactions/interactions.ts';
import { keepLateSessions } from './interactions/late-sessions.ts';
import { devicePages, errorPage, signOutPages } from './interactions/page-sources.ts';
import type { OAuthPages } from './interactions/pages.ts';
import { loadExistingGrant, promptPolicy } from './interactions/remembered-consent.ts';
import { answerLateErrors } from './late-errors.ts';
import { LIFETIMES_SECONDS } from './lifetimes.ts';
import { OAUTH_ROUTES } from './routes.ts';
import { providerKeys } from './signing.ts';
import { type AdapterStores, createAdapterFactory } from './storage/adapter.ts';
import { requestState } from './storage/request-state.ts';

export interface ProviderParts {
  /** The public URL of this installation; all that the provider says of itself begins with it. */
  issuer: string;
  keys: Pick<SigningKeys, 'current' | 'published'>;
  stores: AdapterStores;
  consents: Pick<Consents, 'find' | 'grantAgain'>;
  findAccount: FindAccount;
  pages: OAuthPages;
  /** Makes access tokens that are known to be ours without being looked up. */
  accessTokens: Pick<TaggedTokens, 'create'>;
  browsers: BrowserAccounts;
  /** What signs the cookies: the first signs, all verify. */
  cookieSecrets: readonly string[];
  counted: Pick<CountedAudit, 'add'>;
  countSignIn: CountSignIn;
  logger: Logger;
}

/** OAuth 2.1 and OpenID Connect, by the library, made for the keys as they are now. */
export function createProvider(parts: ProviderParts): Provider {
  const { issuer, logger } = parts;
  const provider = new Provider(issuer, configuration(parts));
  // Host and scheme are those of the issuer: the HTTP server has written them over whatever the request said.
  provider.proxy = true;
  harden(provider, parts.accessTokens);
  keepLateSessions(provider, cookieOptions(issuer, parts.cookieSecrets));
  provider.use(answerLateErrors(errorPage(parts.pages)));
  endWithProvider(provider, parts.browsers);
  provider.on('server_error', (ctx, error) => {
    const { method, path } = ctx;
    logger.error(
      { err: error, requestId: ctx.get('x-request-id'), method, route: ctx.oidc?.route ?? path },
      'OAuth request failed',
    );
  });
  auditClients(provider, parts.counted);
  countGrants(provider, parts.countSignIn);
  // What Koa would write to standard error. A connection that broke under an answer is nobody's fault.
  (provider as EventEmitter).on('error', (error: unknown) => {
    if (!isBrokenConnection(error)) logger.error({ err: error }, 'OAuth request failed');
  });
  return provider;
}

/** Whoever shows a secret that is not that of the client stands in the audit log, counted. */
function auditClients(provider: Provider, counted: Pick<CountedAudit, 'add'>): void {
  function add(ctx: KoaContextWithOIDC, { error }: errors.OIDCProviderError): void {
    if (error !== 'invalid_client') return;
    // What is no client's id may be anything that somebody has typed.
    const client = ctx.oidc.client === undefined ? {} : { clientId: ctx.oidc.client.clientId };
    const event = { action: 'AUTHENTICATE_CLIENT', outcome: 'REFUSED', actor: NOBODY, ...client } as const;
    counted.add(event, callOf(ctx.req.headers, systemClock));
  }
  provider.on('grant.error', add);
  provider.on('introspection.error', add);
  provider.on('revocation.error', add);
  provider.on('device_authorization.error', add);
}

/** Who signs out of an app, and of all of them, is signed out at our own pages before it is said. */
function endWithProvider(provider: Provider, browsers: Pick<BrowserAccounts, 'endOf'>): void {
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    // The library has no such part where it has not come that far.
    const { route, params, session } = (ctx.oidc as Partial<KoaContextWithOIDC['oidc']> | undefined) ?? {};
    if (route !== 'end_session_confirm' || params?.logout === undefined || ctx.status >= 400) return;
    if (session?.accountId !== undefined)
      await browsers.endOf({ request: ctx.req, response: ctx.res }, session.accountId);
  });
}

function isBrokenConnection(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(String(error.code))
  );
}

/** Rules of the library that ours replace, where it lets one. */
function harden(provider: Provider, accessTokens: ProviderParts['accessTokens']): void {
  const client: { prototype: object } = provider.Client;
  Object.assign(client.prototype, {
    // What we hold of a secret is its digest (clients.ts).
    compareClientSecret(this: { clientSecret?: string }, actual: string) {
      return isSame(this.clientSecret ?? '', secretDigest(actual));
    },
    redirectUriAllowed(this: RegisteredUris, uri: unknown) {
      return isRedirectAllowed(uri, this.redirectUris ?? [], this.applicationType);
    },
    postLogoutRedirectUriAllowed(this: RegisteredUris, uri: unknown) {
      return isRedirectAllowed(uri, this.postLogoutRedirectUris ?? [], this.applicationType);
    },
  });
  const accessToken: WithTokenId = provider.AccessToken as never;
  const generateAccessTokenId = accessToken.prototype.generateTokenId;
  Object.assign(accessToken.prototype, {
    generateTokenId(this: object) {
      // Theirs notes besides that the token is an opaque one.
      generateAccessTokenId.call(this);
      return accessTokens.create();
    },
  });
  const refreshToken: WithTokenId = provider.RefreshToken as never;
  const { generateTokenId } = refreshToken.prototype;
  Object.assign(refreshToken.prototype, {
    // The successor of the one that the request brought is known (refresh-tokens.ts).
    generateTokenId(this: object) {
      return requestState().rotation?.nextToken ?? generateTokenId.call(this);
    },
  });
}

interface WithTokenId {
  prototype: { generateTokenId(): string };
}

interface RegisteredUris {
  redirectUris?: readonly string[];
  postLogoutRedirectUris?: readonly string[];
  applicationType?: 'web' | 'native';
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function configuration(parts: ProviderParts): Configuration {
  const { issuer, keys, stores, consents, findAccount, pages, cookieSecrets } = parts;
  return {
    adapter: createAdapterFactory(stores),
    jwks: { keys: providerKeys(keys) },
    routes: OAUTH_ROUTES,
    cookies: cookieOptions(issuer, cookieSecrets),
    interactions: { policy: promptPolicy(parts.browsers), url: (_, interaction) => interactionUrl(interaction) },
    loadExistingGrant: loadExistingGrant(consents),
    findAccount,
    claims: CLAIMS,
    scopes: OAUTH_SCOPES,
    // Looked at when a client asks, whatever it asks by; the library knows this parameter, and does nothing with it.
    extraParams: { ui_locales: checkAskedScopes },
    ttl: LIFETIMES_SECONDS,
    features: features(pages),
    ...CODE_FLOW,
    ...CLIENTS,
    // Every refresh token works once (and in its grace), and ends with what it came from.
    rotateRefreshToken: true,
    revokeGrantPolicy: () => true,
    renderError: errorPage(pages),
    fetch: () => {
      throw new Error('OAuth calls nobody.');
    },
  };
}

/** Only the authorization code, only with PKCE, only by S256, which is the one method that the library knows. */
const CODE_FLOW = {
  responseTypes: ['code'],
  pkce: { required: () => true },
  allowOmittingSingleRegisteredRedirectUri: false,
  acceptQueryParamAccessTokens: false,
  conformIdTokenClaims: true,
} satisfies Configuration;

const CLIENTS = {
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
  extraClientMetadata: {
    properties: EXTRA_METADATA,
    // Called for each of them; one look at the whole is enough.
    validator: (ctx, name, __, metadata) => {
      if (name !== EXTRA_METADATA[0]) return;
      if (ctx?.oidc?.route === 'registration') Object.assign(metadata, withoutRedirects(ctx.oidc.body ?? {}));
      checkMetadata({ ...metadata });
    },
  },
  clientDefaults: DEFAULT_METADATA,
  // A page may use what is its client's: the origin is that of a redirect URI.
  clientBasedCORS: (_, origin, client) => (client.redirectUris ?? []).some((uri) => targetOf(uri) === origin),
  extraTokenClaims: ({ oidc }, { kind }) => {
    if (kind === 'ClientCredentials') checkOwnScopes(oidc.body?.scope);
    return undefined;
  },
} satisfies Configuration;

function features(pages: OAuthPages): Configuration['features'] {
  const off = { enabled: false };
  return {
    devInteractions: off,
    dPoP: off,
    pushedAuthorizationRequests: off,
    // A token for a resource is refused at userinfo; ours are for this API, all of them.
    resourceIndicators: off,
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true, deviceInfo: () => ({}), ...devicePages(pages) },
    rpInitiatedLogout: { enabled: true, ...signOutPages(pages) },
    introspection: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true, allowedPolicy: (_, client, token) => mayRevoke(client.clientId, token.clientId) },
    // Not the management of clients (RFC 7592): it gives out the secret again, and we hold none.
    registration: { enabled: true, issueRegistrationAccessToken: false },
    userinfo: { enabled: true },
  };
}

/** Who brings the token of another client is told so (RFC 7009, section 2.1), and nothing happens. */
function mayRevoke(clientId: string, clientOfToken: string | undefined): boolean {
  if (clientId === clientOfToken) return true;
  throw new errors.InvalidRequest('client is not authorized to revoke the presented token');
}

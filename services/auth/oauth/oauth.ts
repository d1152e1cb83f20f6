import type { BackgroundWork } from '#kit/background.ts';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Attempts } from '../attempts/attempts.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { type Consents, createConsents } from '../consents/consents.ts';
import type { HttpServer } from '../http/server.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import type { Mail } from '../mail/mail.ts';
import type { Profiles } from '../profiles/profiles.ts';
import type { CountSignIn } from '../sign-ins/sign-in-metrics.ts';
import type { TaggedTokens } from '../tokens/tags.ts';
import { createClients } from './clients/clients.ts';
import { withReferenceClient } from './clients/reference-client.ts';
import { serveOAuth } from './http.ts';
import type { BrowserAccounts } from './interactions/browser-accounts.ts';
import { createFindAccount } from './interactions/find-account.ts';
import { createInteractions, type HttpPair, type Interactions } from './interactions/interactions.ts';
import type { OAuthPages } from './interactions/pages.ts';
import { createProviders } from './providers.ts';
import { createFindAccessToken, type FindAccessToken } from './storage/access-tokens.ts';
import { createArtifacts } from './storage/artifacts.ts';
import { createEndBrowser } from './storage/end-browser.ts';
import { createGrants } from './storage/grants.ts';
import { createRefreshTokens } from './storage/refresh-tokens.ts';
import { createSessionRows } from './storage/session-rows.ts';

export interface OAuthSettings {
  /** The public URL of this installation. */
  issuer: string;
  /** Sign the cookies of OAuth and its pages: the first signs, all verify. */
  cookieSecrets: readonly string[];
}

/** OAuth 2.1 and OpenID Connect, as the rest of auth uses it. */
export interface OAuth {
  interactions: Interactions;
  findAccessToken: FindAccessToken;
  consents: Consents;
  /**
   * Signs a browser out of the apps that it has gone on to, and of what was granted for as long as it is signed in.
   * @param but an account that may go on
   * @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it
   */
  endBrowser(pair: Pick<HttpPair, 'request'>, but?: { butOf: string }): Promise<void>;
  /** Answers its paths at the server. */
  serve(http: HttpServer): void;
  background: BackgroundWork[];
}

export function createOAuth(parts: {
  settings: OAuthSettings;
  /** What it shows to people. */
  pages: OAuthPages;
  browsers: BrowserAccounts;
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  keys: Pick<SigningKeys, 'current' | 'published'>;
  profiles: Profiles;
  attempts: Attempts;
  counted: CountedAudit;
  countSignIn: CountSignIn;
  mail: Pick<Mail, 'notify'>;
  accessTokens: Pick<TaggedTokens, 'create'>;
  clock: Clock;
  logger: Logger;
}): OAuth {
  const { settings, pages, browsers, db, keys, profiles, clock, logger } = parts;
  const { issuer, cookieSecrets } = settings;
  const stores = {
    artifacts: createArtifacts(db, clock),
    clients: withReferenceClient(createClients(db, clock), issuer),
    grants: createGrants(parts),
    attempts: parts.attempts,
    refreshTokens: createRefreshTokens(db, clock),
    sessionRows: createSessionRows(db, clock),
  };
  const consents = createConsents(parts);
  const findAccount = createFindAccount({ db, profiles, clock });
  const provider = createProviders({
    issuer,
    keys,
    stores,
    consents,
    findAccount,
    pages,
    browsers,
    cookieSecrets,
    counted: parts.counted,
    countSignIn: parts.countSignIn,
    accessTokens: parts.accessTokens,
    logger,
  });

  return {
    interactions: createInteractions({ provider, consents, sessionRows: stores.sessionRows, clock }),
    findAccessToken: createFindAccessToken(db, clock),
    consents,
    endBrowser: createEndBrowser({ grants: stores.grants, issuer, cookieSecrets, clock }),
    serve(http) {
      serveOAuth({ http, issuer, provider, pages, attempts: parts.attempts });
    },
    background: [
      { name: 'clean-up of OAuth tokens', intervalMs: 5 * MINUTE_MS, work: stores.artifacts.cleanUp },
      { name: 'clean-up of OAuth grants', intervalMs: 5 * MINUTE_MS, work: stores.grants.cleanUp },
      { name: 'clean-up of consents', intervalMs: 60 * MINUTE_MS, work: consents.cleanUp },
      { name: 'clean-up of OAuth clients', intervalMs: 60 * MINUTE_MS, work: stores.clients.cleanUp },
    ],
  };
}

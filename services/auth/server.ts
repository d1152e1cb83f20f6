import { AdminInternalServiceDefinition } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { AdminServiceDefinition } from '#gen/oxo/admin/v1/admin_service.ts';
import { ApiKeyServiceDefinition } from '#gen/oxo/auth/v1/api_key_service.ts';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import { ConsentServiceDefinition } from '#gen/oxo/auth/v1/consent_service.ts';
import { MfaServiceDefinition } from '#gen/oxo/auth/v1/mfa_service.ts';
import { PasskeyServiceDefinition } from '#gen/oxo/auth/v1/passkey_service.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import type { BackgroundWork } from '#kit/background.ts';
import { type Clock, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { ERASURES_AT_ONCE } from '#kit/events/consumers/user-deleted.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { Service, ServiceConsumer } from '#kit/process/start.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import { type AccountChanges, createAccountChanges } from './accounts/account-changes.ts';
import { createAccounts } from './accounts/accounts.ts';
import { type Admins, createAdmins } from './accounts/admins.ts';
import { createDisabling } from './accounts/disabling.ts';
import { createOwnProfile } from './accounts/own-profile.ts';
import type { Passwords } from './accounts/passwords.ts';
import { createPendingSweep } from './accounts/pending-sweep.ts';
import { createRegistration } from './accounts/registration.ts';
import { createApiKeys } from './api-keys/api-keys.ts';
import { createKeyText } from './api-keys/key-text.ts';
import { createSecretHashes } from './api-keys/secret-hashes.ts';
import type { Attempts } from './attempts/attempts.ts';
import { auditAttempts } from './attempts/audited-attempts.ts';
import { createKnownDevices } from './attempts/known-devices.ts';
import { createCountedAudit } from './audit/counted.ts';
import { pruneAuditLog } from './audit/pruning.ts';
import { ERASURE, MAIL, MAIL_BACKOFF_MS } from './events/durables.ts';
import { onMailQueued } from './events/on-mail-queued.ts';
import { onUserDeleted } from './events/on-user-deleted.ts';
import { createExchange } from './exchange/exchange.ts';
import { serveExchange } from './exchange/http.ts';
import {
  changeEmail,
  changePassword,
  confirmSignIn,
  createApiKey,
  disableAccount,
  dropServiceSecrets,
  forgotPassword,
  getAccount,
  grantAdmin,
  issueServiceToken,
  listAdmins,
  listApiKeys,
  listAuditLog,
  listConsents,
  listSessions,
  login,
  logout,
  refresh,
  register,
  resendVerification,
  resetMfa,
  resetPassword,
  revokeAdmin,
  revokeApiKey,
  revokeConsent,
  revokeSession,
  rewrapSigningKeys,
  rotateApiKey,
  rotateSigningKeys,
  verifyEmail,
} from './handlers/index.ts';
import type { HttpServer } from './http/server.ts';
import type { KeyVault } from './keys/key-vault.ts';
import type { Rewrapping } from './keys/rewrapping.ts';
import type { KeyRotation } from './keys/rotation.ts';
import type { SigningKeys } from './keys/signing-keys.ts';
import { createMailing, type Mailing } from './mail/mailing.ts';
import { SMTP_CONNECTIONS, type Smtp } from './mail/smtp.ts';
import type { Mfa } from './mfa/mfa.ts';
import { createOAuth, type OAuth, type OAuthSettings } from './oauth/oauth.ts';
import { createBrowsers } from './pages/browsers.ts';
import { createOAuthPages } from './pages/oauth-pages.ts';
import { servePages } from './pages/serve.ts';
import { createProfiles, type Profiles } from './profiles/profiles.ts';
import { createSessions } from './sessions/sessions.ts';
import { createTokenFamilies } from './sessions/token-families.ts';
import { createSignInMetrics } from './sign-ins/sign-in-metrics.ts';
import { createSigningIn, mfaHandlers, passkeyHandlers } from './signing-in.ts';
import { createDropSecrets } from './tokens/service-secrets.ts';
import { createTaggedTokens } from './tokens/tags.ts';
import type { TokenIssuer } from './tokens/token-issuer.ts';

export interface AuthServiceParts {
  db: Database;
  outbox: Outbox;
  users: RpcClient<UserInternalServiceDefinition>;
  /** The same service as people call it, by a channel without a token of ours. */
  people: RpcClient<UserServiceDefinition>;
  /** Fed with the revocations of every process; sessions that end here are refused here at once. */
  denyList: DenyList;
  keys: SigningKeys;
  rotation: KeyRotation;
  rewrapping: Rewrapping;
  /** Encrypts the secrets of people. */
  dataVault: KeyVault;
  issuer: TokenIssuer;
  passwords: Passwords;
  attempts: Attempts;
  /** SHA-256 of the secrets of each service, by its name. */
  secretHashes: ReadonlyMap<string, readonly Buffer[]>;
  oauth: OAuthSettings;
  /** The first makes the tags of API keys and of other tokens, all verify them. */
  apiKeyTagSecrets: readonly Uint8Array[];
  /** The first makes the tokens in mails, all verify them. */
  mailTokenSecrets: readonly Uint8Array[];
  /** Undefined: mails wait. */
  smtp: Smtp | undefined;
  metrics: Metrics;
  clock: Clock;
  logger: Logger;
}

/** Where the handlers of this service get what they use; those of second steps and passkeys by `signing-in.ts`. */
export function createAuthService(parts: AuthServiceParts) {
  const { db, outbox, users, denyList, rotation, rewrapping, issuer, clock, logger } = parts;
  const counted = createCountedAudit({ db, clock, logger });
  const attempts = auditAttempts(parts.attempts, counted);
  const profiles = createProfiles(users);
  const mailing = createMailing({ ...parts, profiles, publicUrl: parts.oauth.issuer });
  const { mail, mailTokens } = mailing;
  const accounts = createAccounts({ db, mail, clock });
  const knownDevices = createKnownDevices({ db, mail, tagSecrets: parts.apiKeyTagSecrets, clock });
  const families = createTokenFamilies(parts.apiKeyTagSecrets);
  const sessions = createSessions({ db, outbox, denyList, families, mail, counted, clock });
  const disable = createDisabling({ db, outbox, denyList, mail });
  const admins = createAdmins({ db, outbox, denyList, clock });
  const pages = createOAuthPages(parts.oauth.issuer);
  const browsers = createBrowsers({ db, sessions, issuer: parts.oauth.issuer, clock });
  const accessTokens = createTaggedTokens(parts.apiKeyTagSecrets, 'access-token');
  const told = { counted, countSignIn: createSignInMetrics(parts.metrics) };
  const forOAuth = { settings: parts.oauth, pages, browsers, profiles, attempts, accessTokens, mail, ...told };
  const oauth = createOAuth({ ...parts, ...forOAuth });
  const keyText = createKeyText(parts.apiKeyTagSecrets);
  const apiKeys = createApiKeys({ db, outbox, denyList, keyText, hashes: createSecretHashes(), counted, clock });
  const credentialsFrom = { apiKeys, keyText, findAccessToken: oauth.findAccessToken, accessTokens };
  const exchange = createExchange({ ...credentialsFrom, issuer, denyList, metrics: parts.metrics, clock, logger });
  const changes = createAccountChanges({ ...parts, attempts, counted, profiles, mail, tokens: mailTokens });
  const signingIn = createSigningIn({ ...parts, ...told, accounts, attempts, knownDevices, mail, profiles });
  const registration = createRegistration({ ...parts, accounts, attempts, knownDevices, profiles, sessions });
  const shared = { oauth, browsers, sessions, ...signingIn, registration, profiles, apiKeys, attempts, changes };
  const sweep = createPendingSweep({ accounts, profiles, clock, logger });

  return {
    oauth,
    /** Answers all that auth serves by HTTP but the public keys, which must be there first. */
    serveHttp(http: HttpServer): void {
      oauth.serve(http);
      serveExchange(http, exchange, counted);
      const own = { ...shared, http, oauthPages: pages, ownProfile: createOwnProfile(parts) };
      servePages({ ...parts, ...own, settings: parts.oauth });
    },
    addServices(server: RpcServer): void {
      server.add(AuthServiceDefinition, {
        register: register({ registration, issuer }),
        login: login({ ...signingIn, sessions, issuer }),
        refresh: refresh({ attempts, sessions, families, issuer, ...told, logger }),
        logout: logout({ sessions }),
        listSessions: listSessions({ db, clock }),
        revokeSession: revokeSession({ sessions }),
        confirmSignIn: confirmSignIn({ ...signingIn, issuer }),
        ...accountHandlers(attempts, changes),
      });
      server.add(ApiKeyServiceDefinition, {
        createApiKey: createApiKey({ apiKeys, clock }),
        listApiKeys: listApiKeys({ apiKeys }),
        revokeApiKey: revokeApiKey({ apiKeys }),
        rotateApiKey: rotateApiKey({ apiKeys, clock }),
      });
      server.add(MfaServiceDefinition, mfaHandlers({ ...signingIn, profiles }));
      server.add(PasskeyServiceDefinition, passkeyHandlers({ ...signingIn, profiles, sessions, issuer }));
      server.add(ConsentServiceDefinition, {
        listConsents: listConsents({ db, clock }),
        revokeConsent: revokeConsent({ consents: oauth.consents }),
      });
      server.add(AdminServiceDefinition, { listAuditLog: listAuditLog({ db }) });
      server.add(AdminInternalServiceDefinition, adminHandlers({ db, admins, ...signingIn, profiles }));
      server.add(AuthInternalServiceDefinition, {
        disableAccount: disableAccount({ disable }),
        issueServiceToken: issueServiceToken({ secretHashes: parts.secretHashes, issuer, counted }),
        rotateSigningKeys: rotateSigningKeys({ rotation }),
        rewrapSigningKeys: rewrapSigningKeys({ rewrapping }),
        dropServiceSecrets: dropServiceSecrets({ ...parts, dropSecrets: createDropSecrets(parts) }),
      });
    },
    consumers: [
      { durable: ERASURE, handlers: [onUserDeleted({ db, users, clock })], concurrency: ERASURES_AT_ONCE },
      ...mailConsumers(parts, mailing),
    ],
    background: [
      { name: 'sweep of registrations', intervalMs: 30 * SECOND_MS, work: sweep },
      { name: 'clean-up of sessions', intervalMs: 5 * MINUTE_MS, work: sessions.cleanUp },
      { name: 'clean-up of known devices', intervalMs: HOUR_MS, work: knownDevices.cleanUp },
      { name: 'clean-up of API keys', intervalMs: 5 * MINUTE_MS, work: apiKeys.cleanUp },
      { name: 'clean-up of used tokens', intervalMs: 5 * MINUTE_MS, work: signingIn.singleUse.cleanUp },
      ...keyBackground(parts),
      { name: 'counts of the audit log', intervalMs: 10 * SECOND_MS, work: counted.flush },
      { name: 'clean-up of the audit log', intervalMs: HOUR_MS, work: () => pruneAuditLog(db) },
      ...mailing.background,
      ...oauth.background,
    ],
  } satisfies Service & { oauth: OAuth; serveHttp(http: HttpServer): void };
}

function keyBackground({ keys, rotation, rewrapping }: AuthServiceParts): BackgroundWork[] {
  return [
    { name: 'reload of keys', intervalMs: MINUTE_MS, work: keys.reload },
    { name: 'rotation of keys', intervalMs: rotation.intervalMs, work: rotation.rotateWhenDue },
    { name: 'rewrapping of keys', intervalMs: MINUTE_MS, work: rewrapping.rewrapWhenDue },
    { name: 'clean-up of keys', intervalMs: 5 * MINUTE_MS, work: keys.dropExpired },
  ];
}

function mailConsumers({ smtp }: AuthServiceParts, { sending }: Mailing): ServiceConsumer[] {
  // Without a server their events stay in the stream, untried.
  if (smtp === undefined) return [];
  const limits = { concurrency: SMTP_CONNECTIONS, backoffMs: MAIL_BACKOFF_MS };
  return [{ durable: MAIL, handlers: [onMailQueued({ sending })], ...limits }];
}

function adminHandlers(parts: { db: Database; admins: Admins; mfa: Mfa; profiles: Profiles }) {
  const admins = { grantAdmin: grantAdmin(parts), revokeAdmin: revokeAdmin(parts), listAdmins: listAdmins(parts) };
  return { ...admins, resetMfa: resetMfa(parts) };
}

function accountHandlers(attempts: Attempts, changes: AccountChanges) {
  return {
    verifyEmail: verifyEmail({ attempts, ...changes }),
    getAccount: getAccount(changes),
    changeEmail: changeEmail(changes),
    resendVerification: resendVerification(changes),
    changePassword: changePassword(changes),
    forgotPassword: forgotPassword(changes),
    resetPassword: resetPassword(changes),
  };
}

/**
 * The auth service for tests, in this process: on a real Postgres, behind its own gRPC server, with the real user service
 * beside it. Its events stay in the outbox.
 */
import { randomBytes } from 'node:crypto';
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import type { BackgroundWork } from '#kit/background.ts';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { createDenyList, type DenyList } from '#kit/identity/deny-list.ts';
import { createServiceTokens } from '#kit/identity/service-token.ts';
import { createTokenVerifier, type TokenVerifier } from '#kit/identity/token-verifier.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { ServiceConsumer } from '#kit/process/start.ts';
import { openChannel, type RpcClient } from '#kit/rpc/client.ts';
import { createTestContext, type OpenTestRedis, openTestDatabase, type TestContext } from '#kit/testing/context.ts';
import type { Neighbour } from '#kit/testing/neighbour.ts';
import { createTestOutbox, type TestOutbox } from '#kit/testing/outbox.ts';
import { serveTest } from '#kit/testing/serve.ts';
import { createAccounts } from '../accounts/accounts.ts';
import { createPasswords } from '../accounts/passwords.ts';
import { createPendingSweep } from '../accounts/pending-sweep.ts';
import type { Allowances } from '../attempts/allowances.ts';
import { createCountedAudit } from '../audit/counted.ts';
import type { HttpServer } from '../http/server.ts';
import { JWKS_PATH } from '../keys/jwks.ts';
import type { KeyVault } from '../keys/key-vault.ts';
import type { Rewrapping } from '../keys/rewrapping.ts';
import { createKeyRotation, type KeyRotation } from '../keys/rotation.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import { createMail, type Mail } from '../mail/mail.ts';
import type { Smtp } from '../mail/smtp.ts';
import type { OAuth } from '../oauth/oauth.ts';
import { createGrants, type Grants } from '../oauth/storage/grants.ts';
import { createProfiles } from '../profiles/profiles.ts';
import { createAuthService } from '../server.ts';
import { createRevoking, type Revoking } from '../sessions/revoking.ts';
import { createSessions, type Sessions } from '../sessions/sessions.ts';
import { createTokenFamilies } from '../sessions/token-families.ts';
import { hashOf } from '../tokens/hash.ts';
import { countingSecrets } from '../tokens/service-secrets.ts';
import { createTokenIssuer, type TokenIssuer } from '../tokens/token-issuer.ts';
import { createTestBroadcast, type TestBroadcast } from './broadcast.ts';
import { contractsOf, type TestContracts } from './contracts.ts';
import { counting } from './counting.ts';
import { randomSecret, startKeys } from './custody.ts';
import { createTestMails, type TestMails } from './mails.ts';
import { testSchema } from './schema.ts';
import { createTestAttempts, startServers } from './servers.ts';
import { createSigners, type Signers } from './signers.ts';

export const ISSUER = 'http://oxo.test';
/** How long a key is published before it signs, and how long it signs. */
export const KEY_PUBLISHED_FOR_MS = 30 * MINUTE_MS;
export const KEY_ROTATE_AFTER_MS = 90 * DAY_MS;
/** Secret of the service "feed". */
export const FEED_SECRET = 'feed-secret';
/** The one that it replaces, which still counts. */
export const FORMER_FEED_SECRET = 'former feed-secret';
const KNOWN = { secretHashes: new Map([['feed', [FEED_SECRET, FORMER_FEED_SECRET].map(hashOf)]]) };
const secretCounts = countingSecrets(KNOWN.secretHashes);

export interface TestAuthService
  extends Pick<TestContext, 'clock' | 'log' | 'close'>,
    Omit<TestOutbox, 'outbox'>,
    Pick<TestBroadcast, 'holdBroadcast'>,
    TestMails,
    Signers,
    TestContracts {
  db: Database;
  /** Does this one of its background work once. */
  background(name: string): Promise<unknown>;
  /** The user service, called as auth. */
  users: RpcClient<UserInternalServiceDefinition>;
  /** @throws Error when the service was started without it */
  user(): Neighbour;
  verifier: TokenVerifier;
  denyList: DenyList;
  issuer: TokenIssuer;
  keys: SigningKeys;
  vault: KeyVault;
  /** Where the key-encryption keys stand. */
  keyFile: string;
  rotation: KeyRotation;
  rewrapping: Rewrapping;
  sessions: Sessions;
  revoking: Revoking;
  mail: Mail;
  consumers: readonly ServiceConsumer[];
  oauth: OAuth;
  grants: Grants;
  /** Address of its HTTP server. */
  httpUrl: string;
  http: HttpServer;
  /** The Redis of the limits. */
  limits: OpenTestRedis;
  metrics: Metrics;
  /** How often a password was hashed or verified. */
  hashes(): number;
  /** Settles registrations that were cut off. */
  sweep(): Promise<void>;
  /** Sessions whose revocation waits in the outbox, oldest first. */
  revocations(): Promise<SessionRevoked[]>;
}

export interface TestAuthOptions {
  /** False: without the user service, for what does not need it. */
  withUser?: boolean;
  /** What may be tried; as good as everything when absent. */
  allowances?: Partial<Allowances>;
  /** The public URL, `ISSUER` when absent: there no browser has passkeys. */
  publicUrl?: string;
  /** Takes the mails; without it they wait. */
  smtp?: Smtp;
}

export async function startAuthService(options: TestAuthOptions = {}): Promise<TestAuthService> {
  const context = createTestContext('auth');
  const { clock, logger } = context;
  const { publicUrl = ISSUER } = options;
  const database = await openTestDatabase(context, testSchema);
  const { db } = database;
  const custody = await startKeys(context, db);
  const { keys, http, vault, dataVault, rewrapping } = custody;
  const jwks = { issuer: publicUrl, jwksUrl: `http://127.0.0.1:${http.port}${JWKS_PATH}` };
  const { limits, user, address } = await startServers(context, jwks, options.withUser);

  const issuer = createTokenIssuer({ keys, issuer: publicUrl, clock });
  const denyList = createDenyList(clock);
  const verifier = createTokenVerifier({ keys: keys.find, issuer: publicUrl, denyList, clock, secretCounts });
  const tokens = createServiceTokens(() => issuer.serviceToken('auth'), clock, denyList);
  const channel = openChannel(address, tokens);
  context.onStop(channel.close);
  const users = channel.client(UserInternalServiceDefinition);
  const open = openChannel(address, undefined);
  context.onStop(open.close);
  const people = open.client(UserServiceDefinition);
  const { outbox, ...outboxParts } = createTestOutbox(context, database, {
    committed: () => broadcast.committed(),
  });
  const broadcast = createTestBroadcast(outboxParts.events, denyList);
  const counted = createCountedAudit({ db, clock, logger });
  const mail = createMail({ outbox, metrics: context.metrics, clock });
  const [apiKeyTagSecrets, mailTokenSecrets] = [[randomBytes(32)], [randomBytes(32)]];
  const families = createTokenFamilies(apiKeyTagSecrets);
  const sessions = createSessions({ db, outbox, denyList, families, mail, counted, clock });
  const [accounts, profiles] = [createAccounts({ db, mail, clock }), createProfiles(users)];
  const { passwords, hashes } = counting(await createPasswords());
  const attempts = createTestAttempts(context, limits.redis, options.allowances);
  const signers = createSigners({
    auth: () => callers.asUser(AuthServiceDefinition),
    ...{ accounts, sessions, issuer, decoy: passwords.decoy, clock },
  });
  const tokenSource = {
    userToken: async (id: string) => (await signers.signIn(id)).accessToken,
    serviceToken: async (service: string) => (await issuer.serviceToken(service)).token,
  };
  const schedule = { publishedForMs: KEY_PUBLISHED_FOR_MS, rotateAfterMs: KEY_ROTATE_AFTER_MS };
  const rotation = createKeyRotation({ db, outbox, vault, keys, denyList, ...schedule, clock, logger });
  const oauth = { issuer: publicUrl, cookieSecrets: [randomSecret()] };
  const secrets = { ...KNOWN, apiKeyTagSecrets, mailTokenSecrets };
  const keeping = { rotation, rewrapping, dataVault, denyList, keys };
  const own = { ...secrets, ...keeping, issuer, passwords, attempts, oauth };
  const parts = { smtp: options.smtp, metrics: context.metrics, clock, logger };
  const service = createAuthService({ db, outbox, users, people, ...own, ...parts });
  service.serveHttp(http);
  const callers = await serveTest(context, { verifier, tokens: tokenSource }, service.addServices);

  return {
    ...{ db, clock, users, verifier, denyList, issuer, rotation, sessions, mail },
    ...createTestMails(db, mailTokenSecrets),
    revoking: createRevoking({ db, outbox, denyList }),
    ...{ hashes, limits, metrics: context.metrics },
    ...outboxParts,
    revocations: async () => revocationsAmong(await outboxParts.events()),
    ...custody,
    ...signers,
    ...contractsOf(callers),
    background: (name) => workOf(service.background, name),
    holdBroadcast: broadcast.holdBroadcast,
    consumers: service.consumers,
    oauth: service.oauth,
    grants: createGrants({ db, outbox, denyList, clock }),
    httpUrl: `http://127.0.0.1:${http.port}`,
    sweep: createPendingSweep({ accounts, profiles, clock, logger }),
    user() {
      if (user === undefined) throw new Error('started without the user service');
      return user;
    },
    log: context.log,
    close: context.close,
  };
}

function revocationsAmong(events: Awaited<ReturnType<TestOutbox['events']>>): SessionRevoked[] {
  const revoked = events.filter(({ subject }) => subject === 'session.revoked');
  return revoked.map(({ payload }) => SessionRevoked.decode(payload));
}

async function workOf(background: readonly BackgroundWork[], name: string): Promise<unknown> {
  const found = background.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no background work ${name}`);
  return found.work();
}

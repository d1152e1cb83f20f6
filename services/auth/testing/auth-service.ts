/**
 * The auth service for tests, in this process: on a real Postgres, behind its own gRPC server, with the real user service
 * beside it. Its clock is the test's, its events stay in the outbox.
 */
import { createHash, randomBytes } from 'node:crypto';
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition, type RegisterRequest } from '#gen/oxo/auth/v1/auth_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { createEffects } from '#kit/events/effects.ts';
import { createOutbox } from '#kit/events/outbox.ts';
import { createDenyList, type DenyList } from '#kit/identity/deny-list.ts';
import { createServiceTokens } from '#kit/identity/service-token.ts';
import { createTokenVerifier, type TokenVerifier } from '#kit/identity/token-verifier.ts';
import { newId } from '#kit/ids.ts';
import { createLogger, type Logger } from '#kit/logger.ts';
import { createMetrics } from '#kit/metrics.ts';
import { openChannel, type RpcClient } from '#kit/rpc/client.ts';
import { createRpcServer } from '#kit/rpc/server.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { type Accounts, createAccounts } from '../accounts/accounts.ts';
import { createPasswords, type Passwords } from '../accounts/passwords.ts';
import { createPendingSweep } from '../accounts/pending-sweep.ts';
import { createProfiles } from '../accounts/profiles.ts';
import { JWKS_PATH, startJwksServer } from '../keys/jwks-server.ts';
import { openLocalVault } from '../keys/local-vault.ts';
import { openSigningKeys } from '../keys/signing-keys.ts';
import { entities, migrations } from '../schema.ts';
import { createAuthService } from '../server.ts';
import { createSessions, type Sessions } from '../sessions/sessions.ts';
import { createTokenIssuer, type TokenIssuer } from '../tokens/token-issuer.ts';
import { startUserProcess, type TestUserProcess } from './user-process.ts';

export const ISSUER = 'http://oxo.test';
export const PASSWORD = 'a walk in the rain 17';

export interface TestAuthService {
  db: Database;
  auth: RpcClient<AuthServiceDefinition>;
  internal: RpcClient<AuthInternalServiceDefinition>;
  /** The client of a person who shows this access token. */
  withToken(token: string): RpcClient<AuthServiceDefinition>;
  /** The user service, called as auth. */
  users: RpcClient<UserInternalServiceDefinition>;
  /** @throws Error when the service was started without it */
  user(): TestUserProcess;
  verifier: TokenVerifier;
  denyList: DenyList;
  issuer: TokenIssuer;
  sessions: Sessions;
  /** How often a password was hashed or verified. */
  hashes(): number;
  /** Settles registrations that were cut off. */
  sweep(): Promise<void>;
  /** Moves the clock of this service on. */
  advance(ms: number): void;
  nowMs(): number;
  /** Everything that was logged so far. */
  log(): string;
  /** Sessions whose revocation waits in the outbox, oldest first. */
  revocations(): Promise<SessionRevoked[]>;
  /** Signs up a person with a handle of their own; needs the user service. */
  signUp(fields?: Partial<RegisterRequest>): Promise<SignedUp>;
  /** A signed-in person without a profile; does not need the user service. */
  signIn(accountId?: string): Promise<SignedUp>;
  close(): Promise<void>;
}

export interface SignedUp {
  id: string;
  handle: string;
  accessToken: string;
  refreshToken: string;
}

/** Secret of the service "feed". */
export const FEED_SECRET = 'feed-secret';

/** @param options.withUser false: without the user service, for what does not need it */
export async function startAuthService({ withUser = true } = {}): Promise<TestAuthService> {
  let offsetMs = 0;
  const clock = { nowMs: () => systemClock.nowMs() + offsetMs };
  const { logger, log } = recordingLogger();
  const { db, close: closeDatabase } = await createTestDatabase({ entities, migrations });
  const vault = await openLocalVault({ key: randomBytes(32).toString('base64') });
  const keys = await openSigningKeys({ db, vault, clock });
  const jwks = await startJwksServer({ host: '127.0.0.1', port: 0, published: keys.published, logger });
  const jwksUrl = `http://127.0.0.1:${jwks.port}${JWKS_PATH}`;
  const user = withUser ? await startUserProcess({ jwksUrl, issuer: ISSUER }) : undefined;

  const issuer = createTokenIssuer({ keys, issuer: ISSUER, clock });
  const denyList = createDenyList(clock);
  const verifier = createTokenVerifier({ keys: keys.find, issuer: ISSUER, denyList, clock });
  const tokens = createServiceTokens(() => issuer.serviceToken('auth'), clock);
  const userChannel = openChannel(user?.address ?? '127.0.0.1:1', tokens);
  const users = userChannel.client(UserInternalServiceDefinition);
  /** What the relay, NATS and the consumer of revocations do in a real service. */
  async function broadcast(): Promise<void> {
    for (const { sessionId } of await revocationsIn(db)) denyList.deny(sessionId);
  }
  const outbox = createOutbox({
    effects: createEffects([], logger),
    // A test that ends closes the database under it.
    relay: { committed: () => void broadcast().catch(() => undefined) },
    clock,
  });
  const sessions = createSessions({ db, outbox, denyList, clock });
  const [accounts, profiles] = [createAccounts(db, clock), createProfiles(users)];
  const { passwords, hashes } = counting(await createPasswords());
  const server = createRpcServer({ verifier, metrics: createMetrics(), logger, clock });
  const secretHashes = new Map([['feed', createHash('sha256').update(FEED_SECRET).digest()]]);
  const own = { denyList, keys, issuer, secretHashes, passwords };
  createAuthService({ db, outbox, users, ...own, clock, logger }).addServices(server);
  const clients = openClients(`127.0.0.1:${await server.listen('127.0.0.1:0')}`);
  const signers = createSigners({ auth: clients.auth, accounts, sessions, issuer, decoy: passwords.decoy, clock });

  return {
    ...{ db, users, verifier, denyList, issuer, sessions, hashes, log, ...clients, ...signers },
    sweep: createPendingSweep({ accounts, profiles, clock, logger }),
    revocations: () => revocationsIn(db),
    nowMs: clock.nowMs,
    advance(ms) {
      offsetMs += ms;
    },
    user() {
      if (user === undefined) throw new Error('started without the user service');
      return user;
    },
    async close() {
      clients.close();
      await server.close();
      userChannel.close();
      await user?.stop();
      await jwks.close();
      await closeDatabase();
    },
  };
}

function openClients(address: string) {
  const open = openChannel(address, undefined);
  const channels = [open];
  return {
    auth: open.client(AuthServiceDefinition),
    internal: open.client(AuthInternalServiceDefinition),
    withToken(token: string) {
      const channel = openChannel(address, async () => token);
      channels.push(channel);
      return channel.client(AuthServiceDefinition);
    },
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

function createSigners(options: {
  auth: RpcClient<AuthServiceDefinition>;
  accounts: Accounts;
  sessions: Sessions;
  issuer: TokenIssuer;
  decoy: string;
  clock: Clock;
}): Pick<TestAuthService, 'signUp' | 'signIn'> {
  const { auth, accounts, sessions, issuer, decoy, clock } = options;
  let people = 0;
  return {
    async signUp(fields = {}) {
      const handle = `person_${++people}`;
      const request = { handle, email: `${handle}@example.org`, password: PASSWORD, displayName: '', ...fields };
      const { user, tokens } = await auth.register(request);
      const { accessToken = '', refreshToken = '' } = tokens ?? {};
      return { id: user?.id ?? '', handle: request.handle, accessToken, refreshToken };
    },
    async signIn(accountId) {
      const id = accountId ?? newId(clock.nowMs());
      const handle = `person_${++people}`;
      if (accountId === undefined) {
        const email = `${handle}@example.org`;
        await accounts.insertPending({ id, handle, displayName: handle, email, passwordHash: decoy });
      }
      const session = await sessions.open(id, { userAgent: 'test', ip: '' }, { requestId: 'sign-in' });
      if (session === undefined) throw new Error('no such account');
      const { token } = await issuer.accessToken(session);
      return { id, handle, accessToken: token, refreshToken: session.refreshToken };
    },
  };
}

async function revocationsIn(db: Database): Promise<SessionRevoked[]> {
  const rows = await db.query<{ payload: Buffer }>({
    name: 'test-revocations',
    text: "select payload from outbox where subject = 'session.revoked' order by id",
  });
  return rows.map((row) => SessionRevoked.decode(row.payload));
}

function recordingLogger(): { logger: Logger; log: () => string } {
  let lines = '';
  const destination = {
    write(line: string) {
      lines += line;
    },
  };
  return { logger: createLogger({ service: 'auth', level: 'trace', destination }), log: () => lines };
}

function counting(passwords: Passwords): { passwords: Passwords; hashes: () => number } {
  let count = 0;
  return {
    hashes: () => count,
    passwords: {
      ...passwords,
      hash(...args) {
        count += 1;
        return passwords.hash(...args);
      },
      verify(...args) {
        count += 1;
        return passwords.verify(...args);
      },
    },
  };
}

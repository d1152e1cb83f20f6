/**
 * The user service for tests, in this process: on a real Postgres and Redis, behind its own gRPC server. Its events stay in the
 * outbox until a test runs the relay.
 */
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { DAY_MS, SECOND_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { ServiceConsumer } from '#kit/process/start.ts';
import { openChannel, type RpcClient } from '#kit/rpc/client.ts';
import type { Callers } from '#kit/testing/callers.ts';
import {
  createTestContext,
  type OpenTestRedis,
  openTestDatabase,
  openTestRedis,
  type TestContext,
} from '#kit/testing/context.ts';
import { consumersOf } from '#kit/testing/deliver.ts';
import { serveIssuer } from '#kit/testing/issuer-server.ts';
import { createTestOutbox, type TestOutbox } from '#kit/testing/outbox.ts';
import { createPeople, type People } from '#kit/testing/people.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serveTest } from '#kit/testing/serve.ts';
import { createTestIssuer, type TestIssuer } from '#kit/testing/tokens.ts';
import { createFollowVersions, type FollowVersions } from '../graph/follow-versions.ts';
import { entities, migrations } from '../schema.ts';
import { createUserService } from '../server.ts';

/** How long after a deletion the erasure begins, and how long the handle stays taken. */
export const ERASE_AFTER_MS = 20 * SECOND_MS;
export const HANDLE_KEPT_MS = 14 * DAY_MS;

export interface TestUserService
  extends Pick<TestContext, 'clock' | 'log' | 'metrics' | 'close'>,
    Omit<OpenTestRedis, 'redisUrl'>,
    TestOutbox,
    Pick<People, 'addUser'> {
  db: Database;
  followVersions: FollowVersions;
  issuer: TestIssuer;
  /** The public contract as this person, or as nobody. */
  as(userId?: string): RpcClient<UserServiceDefinition>;
  /** The public contract with a token as it is. */
  withToken(token: string): RpcClient<UserServiceDefinition>;
  /** The internal contract as one of our services, or as nobody. */
  internal(service?: string): RpcClient<UserInternalServiceDefinition>;
  /** The internal contract with a token as it is. */
  internalWithToken(token: string): RpcClient<UserInternalServiceDefinition>;
  onBehalfOf: Callers['onBehalfOf'];
  consumers: readonly ServiceConsumer[];
  /** Does now what is due in the background. */
  inBackground(name: 'erasure' | 'clean-up of deletions'): Promise<unknown>;
  /** Starts auth, when the service was started without it. */
  startAuth(): Promise<unknown>;
}

/**
 * @param options.maxFollowees how many people one account may follow; default 50
 * @param options.maxPushedFollowers who has more is pulled; default 10,000
 * @param options.withAuth false: auth is away at first
 */
export async function startUserService(
  options: { maxFollowees?: number; maxPushedFollowers?: number; withAuth?: boolean } = {},
): Promise<TestUserService> {
  const { maxFollowees = 50, maxPushedFollowers = 10_000, withAuth = true } = options;
  const settings = { maxFollowees, maxPushedFollowers, eraseAfterMs: ERASE_AFTER_MS, handleKeptMs: HANDLE_KEPT_MS };
  const context = createTestContext('user');
  const { clock, logger, metrics } = context;
  // Many connections, so that requests really meet in Postgres.
  const database = await openTestDatabase(context, { entities, migrations }, 20);
  const { db } = database;
  const { redisUrl: _, ...redisParts } = await openTestRedis(context);
  const issuer = await createTestIssuer(clock);

  const outboxParts = createTestOutbox(context, database, { effects: () => service.effects });
  const authPort = withAuth ? 0 : await freePort();
  const startAuth = () => serveIssuer(context, issuer, authPort);
  const authAddress = withAuth ? (await startAuth()).authAddress : `127.0.0.1:${authPort}`;
  const channel = openChannel(authAddress, () => issuer.serviceToken('user'));
  context.onStop(channel.close);
  const auth = channel.client(AuthInternalServiceDefinition);
  const { outbox } = outboxParts;
  const service = createUserService({
    ...{ db, redis: redisParts.redis, outbox, auth, clock, logger, metrics },
    ...settings,
  });
  const callers = await serveTest(context, { verifier: issuer.verifier, tokens: issuer }, service.addServices);

  return {
    ...{ db, issuer, clock, startAuth, ...redisParts, ...outboxParts },
    followVersions: createFollowVersions(redisParts.redis, logger),
    as: (userId) => callers.asUser(UserServiceDefinition, userId),
    withToken: (token) => callers.withToken(UserServiceDefinition, token),
    internal: (service) => callers.asService(UserInternalServiceDefinition, service),
    internalWithToken: (token) => callers.withToken(UserInternalServiceDefinition, token),
    onBehalfOf: callers.onBehalfOf,
    consumers: consumersOf(service),
    inBackground: (name) =>
      service.background.find((each) => each.name === name)?.work() ?? Promise.reject(new Error(name)),
    addUser: createPeople(context, callers).addUser,
    ...{ log: context.log, metrics: context.metrics },
    close: context.close,
  };
}

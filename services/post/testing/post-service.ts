/**
 * The post service for tests, in this process: on a real Postgres and Redis, behind its own gRPC server. Its events stay in the
 * outbox until a test runs the relay.
 */
import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import type { ServiceConsumer } from '#kit/process/start.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { openChannel, type RpcClient } from '#kit/rpc/client.ts';
import { type Callers, createCallers } from '#kit/testing/callers.ts';
import {
  createTestContext,
  type OpenTestRedis,
  openTestBus,
  openTestDatabase,
  openTestRedis,
  type TestContext,
} from '#kit/testing/context.ts';
import { serveIssuer } from '#kit/testing/issuer-server.ts';
import { startNeighbour } from '#kit/testing/neighbour.ts';
import { createTestOutbox, type TestOutbox } from '#kit/testing/outbox.ts';
import { createPeople, type People } from '#kit/testing/people.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serveTest } from '#kit/testing/serve.ts';
import { createTestIssuer, type TestIssuer } from '#kit/testing/tokens.ts';
import { entities, migrations } from '../schema.ts';
import { createPostService } from '../server.ts';

export interface TestPostService
  extends Pick<TestContext, 'clock' | 'logger' | 'log' | 'close'>,
    Omit<OpenTestRedis, 'redisUrl'>,
    TestOutbox,
    People {
  db: Database;
  issuer: TestIssuer;
  /** The public contract as this person, or as nobody. */
  as(userId?: string): RpcClient<PostServiceDefinition>;
  /** The internal contract as one of our services, or as nobody. */
  internal(service?: string): RpcClient<PostInternalServiceDefinition>;
  /** The internal contract with a token as it is. */
  internalWithToken(token: string): RpcClient<PostInternalServiceDefinition>;
  onBehalfOf: Callers['onBehalfOf'];
  consumers: readonly ServiceConsumer[];
}

/**
 * @param options.withUser false: without the user service, which is a process of its own. Then a person is no more than the
 * profile that it would publish in Redis, and nobody can follow
 */
export async function startPostService({ withUser = true } = {}): Promise<TestPostService> {
  const context = createTestContext('post');
  const { clock, logger } = context;
  const database = await openTestDatabase(context, { entities, migrations });
  const { db } = database;
  const { redisUrl, ...redisParts } = await openTestRedis(context);
  const { redis } = redisParts;
  const issuer = await createTestIssuer(clock);
  const userAddress = withUser ? await startUser(context, redisUrl, issuer) : `127.0.0.1:${await freePort()}`;

  const channel = openChannel(userAddress, () => issuer.serviceToken('post'));
  context.onStop(channel.close);
  const users = channel.client(UserInternalServiceDefinition);
  const outboxParts = createTestOutbox(context, database, { effects: () => service.effects });
  const { outbox } = outboxParts;
  const service = createPostService({ db, redis, outbox, users, clock, logger });
  const callers = await serveTest(context, { verifier: issuer.verifier, tokens: issuer }, service.addServices);
  const people = createPeople(context, createCallers(context, userAddress, issuer));

  return {
    ...{ db, issuer, clock, logger, ...redisParts, ...outboxParts, ...people },
    as: (userId) => callers.asUser(PostServiceDefinition, userId),
    internal: (service) => callers.asService(PostInternalServiceDefinition, service),
    internalWithToken: (token) => callers.withToken(PostInternalServiceDefinition, token),
    onBehalfOf: callers.onBehalfOf,
    consumers: service.consumers,
    ...(withUser ? {} : { addUser: (handle = 'somebody') => publishProfile(context, redis, handle) }),
    log: context.log,
    close: context.close,
  };
}

/** @returns its address */
async function startUser(context: TestContext, redisUrl: string, issuer: TestIssuer): Promise<string> {
  const [bus, { jwksUrl }] = await Promise.all([openTestBus(context), serveIssuer(context, issuer)]);
  const options = { redisUrl, natsUrl: bus.server.url(), jwksUrl, issuer: issuer.issuer };
  return (await startNeighbour(context, { name: 'user', ...options })).address;
}

/** The profile as the user service publishes it. @returns the id */
async function publishProfile({ clock }: TestContext, redis: OpenTestRedis['redis'], handle: string): Promise<string> {
  const id = newId(clock.nowMs());
  const profile = UserSummary.encode({ id, handle, displayName: handle.toUpperCase() }).finish();
  await createReadModel(redis, { prefix: 'profile', ttlMs: MINUTE_MS }).put(id, 1, profile);
  return id;
}

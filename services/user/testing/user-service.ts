/**
 * The user service for tests, in this process: on a real Postgres and Redis, behind its own gRPC server. Its relay runs only
 * when a test says so.
 */
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { systemClock } from '#kit/clock.ts';
import { type Database, openDatabase } from '#kit/db/database.ts';
import { createEffects, type Effects } from '#kit/events/effects.ts';
import { createOutbox } from '#kit/events/outbox.ts';
import { newId } from '#kit/ids.ts';
import { createLogger } from '#kit/logger.ts';
import { createMetrics } from '#kit/metrics.ts';
import { connectRedis, type Redis } from '#kit/redis/redis.ts';
import { asService, type Channel, openChannel, type RpcClient } from '#kit/rpc/client.ts';
import { createRpcServer } from '#kit/rpc/server.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { startRedis } from '#kit/testing/redis.ts';
import { createTestIssuer, type TestIssuer } from '#kit/testing/tokens.ts';
import { until } from '#kit/testing/until.ts';
import { entities, migrations } from '../schema.ts';
import { createUserService } from '../server.ts';

export interface StoredEvent {
  subject: string;
  version: number;
  payload: Buffer;
}

export interface TestUserService {
  db: Database;
  databaseUrl: string;
  redis: Redis;
  issuer: TestIssuer;
  /** The public contract as this user, or as nobody. */
  as(userId?: string): RpcClient<UserServiceDefinition>;
  /** The public contract with a token as it is. */
  withToken(token: string): RpcClient<UserServiceDefinition>;
  /** The internal contract as one of our services; undefined for a call without a token. */
  internal(service: string | undefined): RpcClient<UserInternalServiceDefinition>;
  /** The internal contract with a token as it is. */
  internalWithToken(token: string): RpcClient<UserInternalServiceDefinition>;
  /** Call options for a call on behalf of a person. */
  onBehalfOf(userId: string): Promise<ReturnType<typeof asService>>;
  /** Signs up a person. @returns the id */
  addUser(handle?: string): Promise<string>;
  /** Events that wait for the relay, oldest first. */
  events(): Promise<StoredEvent[]>;
  /** Effects of a process that knows nothing of what was done before, as after a crash. */
  freshEffects(): Effects;
  killRedis(): Promise<void>;
  restartRedis(): Promise<void>;
  close(): Promise<void>;
}

/** @param options.maxFollowees how many people one account may follow; default 50 */
export async function startUserService(options: { maxFollowees?: number } = {}): Promise<TestUserService> {
  const { maxFollowees = 50 } = options;
  const clock = systemClock;
  const logger = createLogger({ service: 'user', level: process.env.TEST_LOG_LEVEL ?? 'silent' });
  const database = await createTestDatabase({ entities, migrations });
  // Many connections, so that requests really meet in Postgres.
  const db = await openDatabase({ url: database.url, entities, poolSize: 20 });
  const redisServer = await startRedis();
  const redis = connectRedis(redisServer.url, logger);
  const connected = () => until('redis is connected', () => redis.ping().then(() => true));
  await connected();
  const issuer = await createTestIssuer();

  // Tests run the relay themselves.
  const outbox = createOutbox({ effects: createEffects([], logger), relay: { committed: () => undefined }, clock });
  const userService = createUserService({ db, redis, outbox, maxFollowees, clock, logger });
  const freshEffects = () => createEffects(userService.effects, logger);
  const server = createRpcServer({ verifier: issuer.verifier, metrics: createMetrics(), logger, clock });
  userService.addServices(server);
  const address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;

  const channels = new Map<string, Channel>();
  function channel(name: string, makeToken: (() => Promise<string>) | undefined): Channel {
    let token: Promise<string> | undefined;
    const sameToken = makeToken === undefined ? undefined : () => (token ??= makeToken());
    const open = channels.get(name) ?? openChannel(address, sameToken);
    channels.set(name, open);
    return open;
  }
  const internal = (service: string | undefined) =>
    channel(`service ${service}`, service === undefined ? undefined : () => issuer.serviceToken(service)).client(
      UserInternalServiceDefinition,
    );
  let people = 0;

  return {
    ...{ db, databaseUrl: database.url, redis, issuer, internal, freshEffects },
    as: (userId) =>
      channel(`user ${userId}`, userId === undefined ? undefined : () => issuer.userToken(userId)).client(
        UserServiceDefinition,
      ),
    withToken: (token) => channel(token, async () => token).client(UserServiceDefinition),
    internalWithToken: (token) => channel(token, async () => token).client(UserInternalServiceDefinition),
    async onBehalfOf(userId) {
      const callOptions = asService({ requestId: newId(clock.nowMs()) });
      callOptions.metadata?.set('x-oxo-on-behalf-of', await issuer.userToken(userId));
      return callOptions;
    },
    async addUser(handle = `person_${++people}`) {
      const id = newId(clock.nowMs());
      await internal('auth').createUser({ id, handle, displayName: handle.toUpperCase() });
      return id;
    },
    events: () =>
      db.query<StoredEvent>({
        name: 'test-outbox',
        text: 'select subject, id::float8 as version, payload from outbox order by id',
      }),
    killRedis: () => redisServer.kill(),
    async restartRedis() {
      await redisServer.restart();
      await connected();
    },
    async close() {
      for (const open of channels.values()) open.close();
      await server.close();
      await redis.close();
      await redisServer.stop();
      await db.close();
      await database.close();
    },
  };
}

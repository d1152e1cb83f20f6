import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { MINUTE_MS, systemClock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { createEffects } from '#kit/events/effects.ts';
import { createOutbox } from '#kit/events/outbox.ts';
import { newId } from '#kit/ids.ts';
import { createLogger } from '#kit/logger.ts';
import { createMetrics } from '#kit/metrics.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { connectRedis, type Redis } from '#kit/redis/redis.ts';
import { asService, openChannel, type RpcClient } from '#kit/rpc/client.ts';
import { createRpcServer } from '#kit/rpc/server.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { createTestIssuer } from '#kit/testing/tokens.ts';
import { until } from '#kit/testing/until.ts';
import { entities, migrations } from '../schema.ts';
import { createPostService } from '../server.ts';
import { startUserService } from './user-service.ts';

/** The post service in this process, on a real Postgres and Redis and behind its own gRPC server. */
export interface TestPostService {
  db: Database;
  databaseUrl: string;
  redis: Redis;
  /** Moved by tests; it starts at the time of the machine, which tokens are checked by. */
  clock: { nowMs(): number; offsetMs: number };
  /** The public contract as this user, or as nobody. */
  as(userId?: string): RpcClient<PostServiceDefinition>;
  /** The internal contract as one of our services. */
  asFeed(): RpcClient<PostInternalServiceDefinition>;
  /** Call options of the feed for a person. */
  onBehalfOf(userId: string): Promise<ReturnType<typeof asService>>;
  /** A person. Without the user service only the profile stands where that would publish it. */
  addUser(handle: string): Promise<string>;
  /** Only with the user service. */
  follow(followerId: string, followeeId: string): Promise<void>;
  unfollow(followerId: string, followeeId: string): Promise<void>;
  /** Events that wait for the relay, oldest first. */
  events(): Promise<{ subject: string; version: number; payload: Buffer }[]>;
  redisServer: TestRedis;
  close(): Promise<void>;
}

/** @param options.withUsers starts the user service besides, as a process of its own */
export async function startPostService(options: { withUsers?: boolean } = {}): Promise<TestPostService> {
  const clock = {
    offsetMs: 0,
    nowMs: () => systemClock.nowMs() + clock.offsetMs,
  };
  const logger = createLogger({ service: 'post', level: 'silent' });
  const database = await createTestDatabase({ entities, migrations });
  const redisServer = await startRedis();
  const redis = connectRedis(redisServer.url, logger);
  await until('redis is connected', () => redis.ping().then(() => true));
  const issuer = await createTestIssuer(clock);
  const tokens = cached((userId: string) => issuer.userToken(userId));

  const { db } = database;
  const neighbour = options.withUsers ? await startUserService(issuer, redisServer.url) : undefined;
  const userAddress = neighbour?.address ?? `127.0.0.1:${await freePort()}`;
  const users = openChannel(userAddress, () => issuer.serviceToken('post'));
  const server = createRpcServer({ verifier: issuer.verifier, metrics: createMetrics(), logger, clock });
  // Tests read the outbox themselves.
  const outbox = createOutbox({ effects: createEffects([], logger), relay: { committed: () => undefined }, clock });
  const userClient = users.client(UserInternalServiceDefinition);
  createPostService({ db, redis, outbox, users: userClient, clock, logger }).addServices(server);
  const address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
  const channels = new Map<string, ReturnType<typeof openChannel>>();
  const channel = (name: string, token: (() => Promise<string>) | undefined, to = address) => {
    const open = channels.get(name + to) ?? openChannel(to, token);
    channels.set(name + to, open);
    return open;
  };
  const graph = (userId: string) => channel(userId, () => tokens(userId), userAddress).client(UserServiceDefinition);
  const profiles = createReadModel(redis, { prefix: 'profile', ttlMs: MINUTE_MS });

  return {
    db,
    databaseUrl: database.url,
    redis,
    clock,
    as: (userId) =>
      channel(`user ${userId}`, userId === undefined ? undefined : () => tokens(userId)).client(PostServiceDefinition),
    asFeed: () => channel('feed', () => issuer.serviceToken('feed')).client(PostInternalServiceDefinition),
    async onBehalfOf(userId) {
      const options = asService({ requestId: newId(clock.nowMs()) });
      options.metadata?.set('x-oxo-on-behalf-of', await tokens(userId));
      return options;
    },
    async addUser(handle) {
      const id = newId(clock.nowMs());
      const registry = channel('auth', () => issuer.serviceToken('auth'), userAddress);
      const request = { id, handle, displayName: handle.toUpperCase() };
      if (neighbour) await registry.client(UserInternalServiceDefinition).createUser(request);
      else await profiles.put(id, 1, UserSummary.encode(request).finish());
      return id;
    },
    follow: async (followerId, followeeId) => void (await graph(followerId).follow({ id: followeeId })),
    unfollow: async (followerId, followeeId) => void (await graph(followerId).unfollow({ id: followeeId })),
    events: () =>
      db.query({
        name: 'test-outbox',
        text: 'select subject, id::float8 as version, payload from outbox order by id',
      }),
    redisServer,
    async close() {
      for (const open of channels.values()) open.close();
      users.close();
      await neighbour?.close();
      await server.close();
      await redis.close();
      await redisServer.stop();
      await database.close();
    },
  };
}

/** Remembers the promise of each argument. */
function cached(make: (key: string) => Promise<string>): (key: string) => Promise<string> {
  const made = new Map<string, Promise<string>>();
  return (key) => {
    const promise = made.get(key) ?? make(key);
    made.set(key, promise);
    return promise;
  };
}

/**
 * The feed service for tests, in this process: on a real Redis and NATS, behind its own gRPC server, with the real user and post
 * services beside it. Its consumer waits until a test starts it or says `fanOut`.
 */
import { FeedServiceDefinition } from '#gen/oxo/feed/v1/feed_service.ts';
import type { Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { SECOND_MS } from '#kit/clock.ts';
import type { EventHandler } from '#kit/events/consumers/handlers.ts';
import { createWorkConsumer } from '#kit/events/consumers/work-consumer.ts';
import { createServiceTokens } from '#kit/identity/service-token.ts';
import type { ServiceConsumer } from '#kit/process/start.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { openChannel, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { TestBus } from '#kit/testing/bus.ts';
import { createCallContexts } from '#kit/testing/call-context.ts';
import { createCallers } from '#kit/testing/callers.ts';
import {
  createTestContext,
  type OpenTestRedis,
  openTestBus,
  openTestRedis,
  type TestContext,
} from '#kit/testing/context.ts';
import { consumerOf } from '#kit/testing/deliver.ts';
import { serveIssuer } from '#kit/testing/issuer-server.ts';
import { type Neighbour, startNeighbour } from '#kit/testing/neighbour.ts';
import { createPeople, type People } from '#kit/testing/people.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serveTest } from '#kit/testing/serve.ts';
import { createTestIssuer, SERVICE_TOKEN_SECONDS, type TestIssuer } from '#kit/testing/tokens.ts';
import { until } from '#kit/testing/until.ts';
import { durables, FANOUT } from '../events/durables.ts';
import { createFeedService } from '../server.ts';

/** Shorter than in production, and together still longer than a neighbour takes to start again. */
const BACKOFF_MS = [500, 1_000, 2_000, 4_000];

export interface TestFeedService
  extends Pick<TestContext, 'clock' | 'logger' | 'log' | 'metrics' | 'close'>,
    Omit<OpenTestRedis, 'redisUrl'>,
    People {
  issuer: TestIssuer;
  /** host:port of its gRPC server. */
  address: string;
  /** Connection of an administrator. */
  nats: TestBus['admin'];
  /** The public contract as this person, or as nobody. */
  as(userId?: string): RpcClient<FeedServiceDefinition>;
  /** What a handler gets when this person calls. */
  contextOf(userId: string): Promise<CallContext>;
  /** The user and the post service, called as feed. */
  users: RpcClient<UserInternalServiceDefinition>;
  posts: RpcClient<PostInternalServiceDefinition>;
  user: Neighbour;
  /** @throws Error when the service was started without it */
  post(): Neighbour;
  /** The post service, called as this person. */
  asAuthor(userId: string): RpcClient<PostServiceDefinition>;
  /** A post of this person. Its event is on its way when the promise resolves. */
  createPost(userId: string, text: string, visibility?: Post_Visibility): Promise<Post>;
  consumers: readonly ServiceConsumer[];
  /** Handles what has arrived, at least so many deliveries: it waits for those that are still on their way. */
  fanOut(deliveries: number): Promise<void>;
  /** Lets the consumer handle what comes by itself from now on; instead of `fanOut`. */
  startFanOut(): void;
}

export interface FeedServiceOptions {
  /** False: without the post service, for what does not need it. */
  withPost?: boolean;
  /** That a window holds; default 20. */
  maxEntries?: number;
  /** Authors with more followers are pulled; default 10,000. */
  maxPushedFollowers?: number;
  /** On a Redis Cluster; see openTestRedis. */
  redisCluster?: boolean;
  /** What the fan-out writes by instead; for faults on purpose. */
  fanOutRedis?: (redis: Redis) => Redis;
  /** Stands between NATS and the handlers. */
  interpose?: (handler: EventHandler) => EventHandler;
}

export async function startFeedService(options: FeedServiceOptions = {}): Promise<TestFeedService> {
  const { withPost = true, maxEntries = 20, maxPushedFollowers = 10_000, interpose = (handler) => handler } = options;
  const { fanOutRedis = (redis) => redis } = options;
  const context = createTestContext('feed');
  const { clock, logger, metrics } = context;
  const issuer = await createTestIssuer(clock);
  const [{ redisUrl, ...redisParts }, bus, { jwksUrl, authAddress }] = await Promise.all([
    openTestRedis(context, options.redisCluster),
    openTestBus(context, durables),
    serveIssuer(context, issuer),
  ]);
  const shared = { redisUrl, natsUrl: bus.server.url(), jwksUrl, issuer: issuer.issuer };
  const userPort = await freePort();
  const env = { AUTH_GRPC_ADDRESS: authAddress, SERVICE_SECRET: 'any', USER_GRPC_ADDRESS: `127.0.0.1:${userPort}` };
  const userEnv = { AUTH_GRPC_ADDRESS: authAddress, MAX_PUSHED_FOLLOWERS: String(maxPushedFollowers) };
  const [user, post] = await Promise.all([
    startNeighbour(context, { name: 'user', grpcPort: userPort, env: userEnv, ...shared }),
    withPost ? startNeighbour(context, { name: 'post', env, ...shared }) : undefined,
  ]);
  const postAddress = post?.address ?? `127.0.0.1:${await freePort()}`;

  const issueToken = async () => ({
    token: await issuer.serviceToken('feed'),
    expiresAtMs: clock.nowMs() + SERVICE_TOKEN_SECONDS * SECOND_MS,
  });
  async function restartRedis(node?: number): Promise<void> {
    await redisParts.restartRedis(node);
    const neighbours = post === undefined ? [user] : [user, post];
    await until('the neighbours have redis again', async () => {
      return (await Promise.all(neighbours.map((neighbour) => neighbour.isReady()))).every(Boolean);
    });
  }
  const tokens = createServiceTokens(issueToken, clock, issuer.denyList);
  const channelTo = (address: string) => {
    const channel = openChannel(address, tokens);
    context.onStop(channel.close);
    return channel;
  };
  const users = channelTo(user.address).client(UserInternalServiceDefinition);
  const posts = channelTo(postAddress).client(PostInternalServiceDefinition);
  const service = createFeedService({
    ...{ redis: redisParts.redis, fanOutRedis: fanOutRedis(redisParts.redis) },
    ...{ posts, users, maxEntries, clock, logger, metrics },
  });
  const fanOut = consumerOf(service.consumers, FANOUT);
  const handlers = fanOut.handlers.map(interpose);
  const consumer = createWorkConsumer({ nats: bus.admin, ...fanOut, handlers, backoffMs: BACKOFF_MS, logger, metrics });
  context.onStop(consumer.stop);
  const callers = await serveTest(context, { verifier: issuer.verifier, tokens: issuer }, service.addServices);
  const authors = createCallers(context, postAddress, issuer);
  const asAuthor = (userId: string) => authors.asUser(PostServiceDefinition, userId);

  return {
    ...{ issuer, clock, logger, metrics, nats: bus.admin, users, posts, user, ...redisParts, restartRedis },
    ...createPeople(context, createCallers(context, user.address, issuer)),
    address: callers.address,
    consumers: service.consumers,
    as: (userId) => callers.asUser(FeedServiceDefinition, userId),
    contextOf: createCallContexts(context, issuer),
    post() {
      if (post === undefined) throw new Error('started without the post service');
      return post;
    },
    asAuthor,
    async createPost(userId, text, visibility) {
      const { post: created } = await asAuthor(userId).createPost({ text, visibility });
      if (created === undefined) throw new Error('no post in the answer');
      return created;
    },
    async fanOut(deliveries) {
      let handled = 0;
      await until(`${deliveries} deliveries are handled`, async () => {
        handled += await consumer.processAll();
        return handled >= deliveries;
      });
    },
    startFanOut: consumer.start,
    log: context.log,
    close: context.close,
  };
}

/**
 * The system under test: the feed service in this process, so that the interposer can stand before its consumer, with the real
 * user and post services as processes beside it, on a real Postgres, Redis and NATS.
 */
import { Metadata } from 'nice-grpc';
import { FeedServiceDefinition } from '#gen/oxo/feed/v1/feed_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { newId } from '#kit/ids.ts';
import { PUSH } from '#kit/redis/window-scripts.ts';
import { openChannel } from '#kit/rpc/client.ts';
import { startFeedService } from '../../../services/feed/testing/feed-service.ts';
import { createGate } from './gate.ts';
import { createInterposer } from './interposer.ts';

export type Person = {
  readonly id: string;
  readonly name: string;
  readonly handle: string;
  readonly token: string;
  /** Of the profile as it was made. */
  readonly etag: string;
};

/** On purpose. */
export type Faults = {
  /** What is pushed late is not written in the log of late arrivals. */
  unlogged: boolean;
};

export type System = Awaited<ReturnType<typeof startSystem>>;

/** So few that the second page of most feeds comes from Postgres. */
const windowEntries = 6;
/** So few that most authors cross the limit from which on they are pulled. */
const fewPushedFollowers = 1;

/** What a process could not do while it had lost Redis is done by then. */
const settlingMs = 3_000;

type Options = {
  readonly redisCluster?: boolean;
  /** Authors with more are pulled; default so few that most are. */
  readonly maxPushedFollowers?: number;
};

export async function startSystem({ redisCluster, maxPushedFollowers = fewPushedFollowers }: Options = {}) {
  const interposer = createInterposer();
  const faults: Faults = { unlogged: false };
  const service = await startFeedService({
    ...{ maxEntries: windowEntries, maxPushedFollowers, interpose: interposer.wrap },
    ...(redisCluster === undefined ? {} : { redisCluster }),
    fanOutRedis: (redis) => ({
      ...redis,
      run: (script, keys, args) =>
        redis.run(script, keys, faults.unlogged && script === PUSH ? args.with(2, '') : args),
    }),
  });
  service.startFanOut();
  const { issuer, redis } = service;
  const channels = [service.user, service.post(), service].map(({ address }) => openChannel(address, undefined));
  const [userChannel, postChannel, feedChannel] = channels as [Channel, Channel, Channel];
  const registry = userChannel.client(UserInternalServiceDefinition);
  const gate = createGate();
  let restarts = 0;
  const disturbances = { seen: 1, lastMs: Number.NEGATIVE_INFINITY };

  return {
    interposer,
    gate,
    faults,
    /** Answers to who asked what has arrived since a moment. */
    answers: { arrived: 0, reset: 0 },
    users: userChannel.client(UserServiceDefinition),
    posts: postChannel.client(PostServiceDefinition),
    feeds: feedChannel.client(FeedServiceDefinition),
    async signUp(name: string, displayName: string): Promise<Person> {
      const id = newId(service.clock.nowMs());
      const handle = `${name}_${id.replaceAll('-', '').slice(-20)}`;
      const metadata = bearer(await issuer.serviceToken('auth'));
      const [token, { user }] = await Promise.all([
        issuer.userToken(id),
        registry.createUser({ id, handle, displayName }, { metadata }),
      ]);
      return { id, name, handle, token, etag: user?.etag ?? '' };
    },
    /** Options of a call. */
    as: ({ token }: Person, requestId: string) => ({ metadata: bearer(token).set('x-request-id', requestId) }),
    /** Takes keys away, as an eviction does. */
    lose: (prefix: string, ids: readonly string[]) =>
      Promise.all(ids.map((id) => redis.expire(redis.key(prefix, id), 0))),
    /** Kills Redis, or one node of the cluster, and starts it again, empty and with another epoch. Resolves when everybody has it again. */
    async restartRedis(): Promise<void> {
      const node = restarts % service.redisNodes;
      restarts += 1;
      await service.killRedis(node);
      await service.restartRedis(node);
    },
    /** Whether the machine was so busy that a process lost Redis by itself, since this time or shortly before. */
    wasDisturbedSince(startedMs: number): boolean {
      const seen = [service.log(), service.user.log(), service.post().log()]
        .join('')
        .split('redis gives no answer').length;
      if (seen !== disturbances.seen) Object.assign(disturbances, { seen, lastMs: performance.now() });
      return disturbances.lastMs > startedMs - settlingMs;
    },
    async close(): Promise<void> {
      for (const channel of channels) channel.close();
      await service.close();
    },
  };
}

type Channel = ReturnType<typeof openChannel>;

function bearer(token: string): Metadata {
  return Metadata({ authorization: `Bearer ${token}` });
}

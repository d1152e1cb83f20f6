/**
 * The parts that every service is made of, started the same way: opened, watched by /readyz, and closed when the process stops.
 * A service's main.ts calls them one after the other, so what starts first is closed last.
 */
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { type BackgroundWork, repeat } from '#kit/background.ts';
import { systemClock } from '#kit/clock.ts';
import { createBroadcastConsumer } from '#kit/events/consumers/broadcast-consumer.ts';
import { revocationHandlers } from '#kit/events/consumers/revocations.ts';
import { createWorkConsumer, type WorkConsumerOptions } from '#kit/events/consumers/work-consumer.ts';
import { connectNats, type NatsBus } from '#kit/events/jetstream/nats.ts';
import { REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';
import type { Effect } from '#kit/events/outbox/effects.ts';
import { createDenyList, type DenyList } from '#kit/identity/deny-list.ts';
import { createServiceTokens, type ServiceTokens } from '#kit/identity/service-token.ts';
import { createTokenVerifier, type PublicKeys, remoteKeys, type TokenVerifier } from '#kit/identity/token-verifier.ts';
import { newId } from '#kit/ids.ts';
import { dependencyGauge } from '#kit/observability/dependencies.ts';
import type { ClientConfig, CommonConfig, RedisConfig } from '#kit/process/config.ts';
import type { ServiceContext } from '#kit/process/lifecycle.ts';
import type { ServiceOutbox } from '#kit/process/start-database.ts';
import { connectRedis, type Redis } from '#kit/redis/redis.ts';
import { measureRedis } from '#kit/redis/redis-metrics.ts';
import { asService, type Channel, openChannel } from '#kit/rpc/client.ts';
import { createRpcServer, type RpcServer } from '#kit/rpc/server.ts';

/** What `start` of a service is given; `Extra` is what else a part needs of its configuration. */
type Context<Extra = unknown> = ServiceContext<CommonConfig & Extra>;

/** @param name of the connection, where a service has several */
export function startRedis({ config, logger, metrics, ops, onStop }: Context<RedisConfig>, name = 'redis'): Redis {
  const redis = connectRedis(config.redisUrl, logger, measureRedis(metrics));
  onStop(name, redis.close);
  ops.addCheck(name, redis.ping);
  return redis;
}

/** @param name of the service: also its name at the server */
export async function startNats(context: Context, name: string): Promise<NatsBus> {
  const { config, logger, ops, onStop, stopping } = context;
  const nats = await connectNats({ url: config.natsUrl, name, logger, signal: stopping });
  onStop('nats', nats.close);
  ops.addCheck('nats', nats.checkReady);
  return nats;
}

/**
 * Verifies tokens and hears revocations: ready when all revocations that still matter have been heard, and as long as they can be.
 * @param options.keys the public keys; by default from the JWKS URL
 * @param options.denyList is fed with them; given by who revokes sessions itself, or has tokens of its own
 * @param options.secretCounts as for `createTokenVerifier`
 */
export async function startVerifier(
  { config, logger, metrics, ops, onStop }: Context,
  nats: NatsBus,
  options: { keys?: PublicKeys; denyList?: DenyList; secretCounts?: (secretId: string) => boolean } = {},
): Promise<TokenVerifier> {
  const { keys = remoteKeys(config.jwksUrls), denyList = createDenyList(systemClock), ...rest } = options;
  const consumer = createBroadcastConsumer({
    nats,
    stream: REVOCATIONS_STREAM,
    handlers: revocationHandlers(denyList, keys.reload),
    logger,
    metrics,
  });
  onStop('revocations', consumer.stop);
  await consumer.start();
  ops.addCheck('revocations', consumer.checkCurrent);
  const { couldBeHad } = keys;
  // Told and not part of /readyz: while auth is away, whose tokens are known here goes on.
  if (couldBeHad !== undefined) {
    const up = dependencyGauge(metrics).labels('keys');
    metrics.onCollect(() => up.set(couldBeHad() ? 1 : 0));
  }
  const own = { keys: keys.find, issuer: config.jwtIssuer, denyList, clock: systemClock, metrics };
  return createTokenVerifier({ ...own, ...rest });
}

/**
 * This service's own tokens, fetched from auth by its client credentials when they are needed.
 * @param denyList that of the verifier: a token whose key leaked is replaced
 */
export function startServiceTokens(
  { config, onStop }: Context<ClientConfig>,
  name: string,
  denyList: DenyList,
): ServiceTokens {
  const channel = openChannel(config.authAddress, undefined);
  onStop('channel to auth', channel.close);
  const auth = channel.client(AuthInternalServiceDefinition);
  return createServiceTokens(
    async () => {
      const request = { clientId: name, clientSecret: config.serviceSecret };
      const issued = await auth.issueServiceToken(request, asService({ requestId: newId(systemClock.nowMs()) }));
      return { token: issued.accessToken, expiresAtMs: systemClock.nowMs() + issued.expiresIn * 1_000 };
    },
    systemClock,
    denyList,
  );
}

/** A channel to another service. */
export function startChannel({ onStop }: Context, address: string, tokens: ServiceTokens | undefined): Channel {
  const channel = openChannel(address, tokens);
  onStop(`channel to ${address}`, channel.close);
  return channel;
}

/** A work consumer of a service: a durable, and what handles its events. */
export type ServiceConsumer = Omit<WorkConsumerOptions, 'nats' | 'logger' | 'metrics'>;

/** What a service's server.ts makes of the parts that its main.ts has started. */
export interface Service {
  /** Adds the contracts that the server serves. */
  addServices(server: RpcServer): void;
  /** What must be true before an event is answered and published. */
  effects?: readonly Effect[];
  consumers?: readonly ServiceConsumer[];
  /** Clean-ups, sweeps and other work that repeats. */
  background?: readonly BackgroundWork[];
}

/**
 * Starts a service whose parts are there: server, relay of the outbox, consumers, work in the background.
 * @param parts.outbox of a service that publishes events
 */
export async function startService(
  context: Context,
  parts: { nats: NatsBus; verifier: TokenVerifier; outbox?: ServiceOutbox },
  service: Service,
): Promise<void> {
  const { config, logger, metrics, onStop } = context;
  const { nats, verifier, outbox } = parts;
  const { addServices, effects = [], consumers = [], background = [] } = service;
  if (outbox === undefined && effects.length > 0) throw new Error('There are effects and no outbox.');

  const server = createRpcServer({ verifier, metrics, logger, clock: systemClock });
  addServices(server);
  const port = await server.listen(config.grpcAddress);
  onStop('rpc server', server.close);
  logger.info({ port }, 'serving');

  outbox?.startRelay(effects);
  for (const options of consumers) {
    const consumer = createWorkConsumer({ ...options, nats, logger, metrics });
    onStop(`consumer ${options.durable.name}`, consumer.stop);
    consumer.start();
  }
  for (const work of background) onStop(work.name, repeat(work, logger));
}

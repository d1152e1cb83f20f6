import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { systemClock } from '#kit/clock.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { runService } from '#kit/process/lifecycle.ts';
import {
  startChannel,
  startNats,
  startRedis,
  startService,
  startServiceTokens,
  startVerifier,
} from '#kit/process/start.ts';
import { readConfig } from './config.ts';
import { createFeedService } from './server.ts';

await runService({
  name: 'feed',
  readConfig,
  async start(context) {
    const { config, logger, metrics } = context;
    const [redis, fanOutRedis] = [startRedis(context), startRedis(context, 'redis-fan-out')];
    const nats = await startNats(context, 'feed');
    const denyList = createDenyList(systemClock);
    const verifier = await startVerifier(context, nats, { denyList });
    const tokens = startServiceTokens(context, 'feed', denyList);
    const posts = startChannel(context, config.postAddress, tokens).client(PostInternalServiceDefinition);
    const users = startChannel(context, config.userAddress, tokens).client(UserInternalServiceDefinition);
    const service = createFeedService({
      ...{ redis, fanOutRedis, posts, users, clock: systemClock, logger, metrics },
      maxEntries: config.windowEntries,
    });
    await startService(context, { nats, verifier }, service);
  },
});

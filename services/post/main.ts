import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { repeat } from '#kit/background.ts';
import { HOUR_MS, systemClock } from '#kit/clock.ts';
import { createIdempotency } from '#kit/db/idempotency.ts';
import { runService } from '#kit/lifecycle.ts';
import {
  startChannel,
  startDatabase,
  startNats,
  startOutbox,
  startRedis,
  startServer,
  startServiceTokens,
  startVerifier,
} from '#kit/start.ts';
import { readConfig } from './config.ts';
import { createDeletedPosts } from './posts/deleted-posts.ts';
import { createPublishedPosts } from './posts/published-posts.ts';
import { entities } from './schema.ts';
import { addPostServices } from './server.ts';

await runService({
  name: 'post',
  readConfig,
  async start(context) {
    const { config, logger, onStop } = context;
    const db = await startDatabase(context, entities);
    const redis = startRedis(context);
    const nats = await startNats(context, 'post');
    const verifier = await startVerifier(context, nats);
    const tokens = startServiceTokens(context, 'post');
    const users = startChannel(context, config.userAddress, tokens).client(UserInternalServiceDefinition);
    const publishedPosts = createPublishedPosts(redis, db);
    const outbox = startOutbox(context, { name: 'post', db, nats, effects: publishedPosts.effects });
    const idempotency = createIdempotency(db, systemClock);
    const deletedPosts = createDeletedPosts(db, systemClock);
    const cleanUp = () => Promise.all([idempotency.cleanUp(), deletedPosts.cleanUp()]);
    onStop('clean-up', repeat('clean-up', HOUR_MS, cleanUp, logger));
    const shared = { db, redis, outbox, idempotency, publishedPosts, deletedPosts, users, clock: systemClock, logger };
    await startServer(context, verifier, (server) => addPostServices(server, shared));
  },
});

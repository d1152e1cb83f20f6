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
import { openOutbox, startDatabase } from '#kit/process/start-database.ts';
import { readConfig } from './config.ts';
import { entities } from './schema.ts';
import { createPostService } from './server.ts';

await runService({
  name: 'post',
  readConfig,
  async start(context) {
    const { config, logger } = context;
    const db = await startDatabase(context, entities);
    const redis = startRedis(context);
    const nats = await startNats(context, 'post');
    const denyList = createDenyList(systemClock);
    const verifier = await startVerifier(context, nats, { denyList });
    const tokens = startServiceTokens(context, 'post', denyList);
    const users = startChannel(context, config.userAddress, tokens).client(UserInternalServiceDefinition);
    const outbox = openOutbox(context, { name: 'post', db, nats });
    const service = createPostService({ db, redis, outbox, users, clock: systemClock, logger });
    await startService(context, { nats, verifier, outbox }, service);
  },
});

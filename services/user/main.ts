import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
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
import { createUserService } from './server.ts';

await runService({
  name: 'user',
  readConfig,
  async start(context) {
    const { config, logger, metrics } = context;
    const db = await startDatabase(context, entities);
    const redis = startRedis(context);
    const nats = await startNats(context, 'user');
    const denyList = createDenyList(systemClock);
    const verifier = await startVerifier(context, nats, { denyList });
    const tokens = startServiceTokens(context, 'user', denyList);
    const auth = startChannel(context, config.authAddress, tokens).client(AuthInternalServiceDefinition);
    const outbox = openOutbox(context, { name: 'user', db, nats });
    const { maxFollowees, maxPushedFollowers, eraseAfterMs, handleKeptMs } = config;
    const service = createUserService({
      ...{ db, redis, outbox, auth, clock: systemClock, logger, metrics },
      ...{ maxFollowees, maxPushedFollowers, eraseAfterMs, handleKeptMs },
    });
    await startService(context, { nats, verifier, outbox }, service);
  },
});

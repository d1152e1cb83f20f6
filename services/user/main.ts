import { systemClock } from '#kit/clock.ts';
import { runService } from '#kit/lifecycle.ts';
import { openOutbox, startDatabase, startNats, startRedis, startService, startVerifier } from '#kit/start.ts';
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
    const verifier = await startVerifier(context, nats);
    const outbox = openOutbox(context, { name: 'user', db, nats });
    const service = createUserService({
      ...{ db, redis, outbox, clock: systemClock, logger, metrics },
      maxFollowees: config.maxFollowees,
      maxPushedFollowers: config.maxPushedFollowers,
    });
    await startService(context, { nats, verifier, outbox }, service);
  },
});

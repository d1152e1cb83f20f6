import { systemClock } from '#kit/clock.ts';
import { runService } from '#kit/lifecycle.ts';
import { startDatabase, startNats, startOutbox, startRedis, startServer, startVerifier } from '#kit/start.ts';
import { readConfig } from './config.ts';
import { createFollowVersions } from './graph/follow-versions.ts';
import { createPublishedProfiles } from './profiles/published-profiles.ts';
import { entities } from './schema.ts';
import { addUserServices } from './server.ts';

await runService({
  name: 'user',
  readConfig,
  async start(context) {
    const { config, logger } = context;
    const db = await startDatabase(context, entities);
    const redis = startRedis(context);
    const nats = await startNats(context, 'user');
    const verifier = await startVerifier(context, nats);
    const profiles = createPublishedProfiles(redis, db, logger);
    const followVersions = createFollowVersions(redis, logger);
    const effects = [...profiles.effects, ...followVersions.effects];
    const outbox = startOutbox(context, { name: 'user', db, nats, effects });
    const { maxFollowees } = config;
    await startServer(context, verifier, (server) =>
      addUserServices(server, { db, outbox, profiles, followVersions, maxFollowees, clock: systemClock }),
    );
  },
});

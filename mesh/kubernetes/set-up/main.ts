/** The Job that runs before a rollout: brings what the data services hold to this version. Can be repeated, and run twice at once. */
import { createLogger } from '#kit/observability/logger.ts';
import { setUp } from './set-up.ts';

const logger = createLogger({ service: 'set-up' });
try {
  await setUp(process.env, (done) => logger.info(done));
} catch (error) {
  logger.fatal({ err: error }, 'set-up failed');
  process.exitCode = 1;
}

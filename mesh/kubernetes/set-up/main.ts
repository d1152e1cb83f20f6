/** The Job that runs before a rollout: brings what the data services hold to this version. Can be repeated, and run twice at once. */
import { ConfigError } from '#kit/process/config.ts';
import { messageOf } from '../../local/cli/cli-error.ts';
import { setUp } from './set-up.ts';

try {
  await setUp(process.env, (done) => process.stdout.write(`${done}\n`));
} catch (error) {
  const detail = error instanceof ConfigError ? error.message : messageOf(error);
  process.stderr.write(`set-up failed: ${detail}\n`);
  process.exitCode = 1;
}

import { DAY_MS, SECOND_MS } from '#kit/clock.ts';
import {
  clientConfig,
  clientSettings,
  commonConfig,
  commonSettings,
  databaseConfig,
  databaseSettings,
  readEnv,
  redisConfig,
  redisSettings,
  setting,
} from '#kit/process/config.ts';

const settings = {
  ...commonSettings,
  ...databaseSettings,
  ...redisSettings,
  ...clientSettings,
  /** How many people one account may follow. No more than ListPostsByAuthors of the post service takes: these and oneself. */
  MAX_FOLLOWEES: setting.integer(1, 10_000).default(10_000),
  /** Posts of authors with more followers are not pushed to them: the followers look for them. */
  MAX_PUSHED_FOLLOWERS: setting.integer(0, 100_000_000).default(10_000),
  /** From a deletion to its erasure: longer than whatever began before the deletion can take. */
  ERASE_AFTER_SECONDS: setting.integer(0, 86_400).default(120),
  /** How long the handle of a deleted user is kept as it was: whoever runs OXO can still see whose it was. After that its hash keeps it taken. */
  HANDLE_KEPT_DAYS: setting.integer(0, 29).default(14),
};

export type Config = ReturnType<typeof readConfig>;

/** @throws ConfigError naming every setting that is missing or wrong */
export function readConfig(env: NodeJS.ProcessEnv) {
  const read = readEnv(settings, env);
  return {
    ...commonConfig(read),
    ...databaseConfig(read),
    ...redisConfig(read),
    ...clientConfig(read),
    maxFollowees: read.MAX_FOLLOWEES,
    maxPushedFollowers: read.MAX_PUSHED_FOLLOWERS,
    eraseAfterMs: read.ERASE_AFTER_SECONDS * SECOND_MS,
    handleKeptMs: read.HANDLE_KEPT_DAYS * DAY_MS,
  };
}

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
} from '#kit/config.ts';

const settings = {
  ...commonSettings,
  ...databaseSettings,
  ...redisSettings,
  ...clientSettings,
  /** How many people one account may follow. */
  MAX_FOLLOWEES: setting.integer(1, 100_000).default(10_000),
  /** Posts of authors with more followers are not pushed to them: the followers look for them. */
  MAX_PUSHED_FOLLOWERS: setting.integer(0, 100_000_000).default(10_000),
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
  };
}

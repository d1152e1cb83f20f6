import {
  clientConfig,
  clientSettings,
  commonConfig,
  commonSettings,
  readEnv,
  redisConfig,
  redisSettings,
  setting,
} from '#kit/process/config.ts';

const settings = {
  ...commonSettings,
  ...redisSettings,
  ...clientSettings,
  USER_GRPC_ADDRESS: setting.address(),
  POST_GRPC_ADDRESS: setting.address(),
  /** Entries that the window of a feed holds; what is older comes from Postgres. */
  FEED_WINDOW_ENTRIES: setting.integer(1, 900).default(800),
};

export type Config = ReturnType<typeof readConfig>;

/** @throws ConfigError naming every setting that is missing or wrong */
export function readConfig(env: NodeJS.ProcessEnv) {
  const read = readEnv(settings, env);
  return {
    ...commonConfig(read),
    ...redisConfig(read),
    ...clientConfig(read),
    userAddress: read.USER_GRPC_ADDRESS,
    postAddress: read.POST_GRPC_ADDRESS,
    windowEntries: read.FEED_WINDOW_ENTRIES,
  };
}

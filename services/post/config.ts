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
  USER_GRPC_ADDRESS: setting.address(),
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
    userAddress: read.USER_GRPC_ADDRESS,
  };
}

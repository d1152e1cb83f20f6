import { commonConfig, commonSettings, readEnv, setting } from '#kit/config.ts';

const settings = {
  ...commonSettings,
  SERVICE_SECRET: setting.text(),
  AUTH_GRPC_ADDRESS: setting.address(),
  USER_GRPC_ADDRESS: setting.address(),
};

export type Config = ReturnType<typeof readConfig>;

/** @throws ConfigError naming every setting that is missing or wrong */
export function readConfig(env: NodeJS.ProcessEnv) {
  const read = readEnv(settings, env);
  return {
    ...commonConfig(read),
    serviceSecret: read.SERVICE_SECRET,
    authAddress: read.AUTH_GRPC_ADDRESS,
    userAddress: read.USER_GRPC_ADDRESS,
  };
}

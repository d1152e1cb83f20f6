import { z } from 'zod';
import { parseClusterUrl } from '#kit/redis/cluster-url.ts';

/** Settings that are wrong or missing: all of them at once, each with its name. */
export class ConfigError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The settings are not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Reads settings from the environment. An empty variable counts as absent, so that a default applies.
 * @param shape a zod type for each variable; see `setting` for the usual ones
 * @throws ConfigError naming every variable that is missing or wrong; never the value, which may be a secret
 */
export function readEnv<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: NodeJS.ProcessEnv = process.env,
): z.infer<z.ZodObject<Shape>> {
  const present = Object.fromEntries(
    Object.keys(shape)
      .map((name) => [name, env[name]] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = z.object(shape).safeParse(present);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      return name in present ? `${name}: ${issue.message}` : `${name}: is not set`;
    }),
  );
}

const REDIS_URL = z.url({ protocol: /^rediss?$/ });
const ADDRESS = /^([^\s/,]+:\d{1,5}|\d{1,3}(\.\d{1,3}){3}:\d{1,5}(,\d{1,3}(\.\d{1,3}){3}:\d{1,5})+)$/;

/** The usual kinds of settings. */
export const setting = {
  text: () => z.string(),
  port: () => z.coerce.number().int().min(0).max(65_535),
  integer: (min: number, max: number) => z.coerce.number().int().min(min).max(max),
  url: (...schemes: string[]) =>
    z.url({ protocol: new RegExp(`^(${schemes.join('|')})$`), message: `must be a URL (${schemes.join(', ')})` }),
  /** Several of them, separated by commas. */
  urls: (...schemes: string[]) =>
    z
      .string()
      .transform((text) => text.split(','))
      .pipe(z.array(setting.url(...schemes))),
  /** host:port of a gRPC server, or ip:port,ip:port,… of its replicas where no name stands for all of them. */
  address: () => z.string().regex(ADDRESS, 'must be host:port, or several of IPv4 addresses with commas between'),
  /** Of a Redis server, or of some nodes of a Redis Cluster. */
  redisUrl: () =>
    z.string().refine((text) => (parseClusterUrl(text) ?? [text]).every((url) => REDIS_URL.safeParse(url).success), {
      message: 'must be a URL (redis, rediss), or one of a cluster (redis+cluster://user:password@host:port,host:port)',
    }),
  logLevel: () => z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
};

/** What every service reads. Spread it into the service's own shape. */
export const commonSettings = {
  GRPC_HOST: setting.text().default('0.0.0.0'),
  GRPC_PORT: setting.port(),
  OPS_HOST: setting.text().default('0.0.0.0'),
  OPS_PORT: setting.port(),
  LOG_LEVEL: setting.logLevel(),
  NATS_URL: setting.url('nats', 'tls'),
  JWKS_URL: setting.urls('http', 'https'),
  JWT_ISSUER: setting.url('http', 'https'),
};

/** What a service with a schema of its own reads besides. */
export const databaseSettings = {
  DATABASE_URL: setting.url('postgres', 'postgresql'),
  DATABASE_POOL_SIZE: setting.integer(1, 200).default(10),
};

/** What a service that uses Redis reads besides. */
export const redisSettings = { REDIS_URL: setting.redisUrl() };

/** What a service that calls others reads besides: by these it gets its own token. */
export const clientSettings = { SERVICE_SECRET: setting.text(), AUTH_GRPC_ADDRESS: setting.address() };

type Settings<Shape extends z.ZodRawShape> = z.infer<z.ZodObject<Shape>>;

export type CommonConfig = ReturnType<typeof commonConfig>;
export type DatabaseConfig = ReturnType<typeof databaseConfig>;
export type RedisConfig = ReturnType<typeof redisConfig>;
export type ClientConfig = ReturnType<typeof clientConfig>;

/** The settings under the names that the code uses. Spread them into the service's own Config. */
export function commonConfig(settings: Settings<typeof commonSettings>) {
  return {
    grpcAddress: `${settings.GRPC_HOST}:${settings.GRPC_PORT}`,
    opsHost: settings.OPS_HOST,
    opsPort: settings.OPS_PORT,
    logLevel: settings.LOG_LEVEL,
    natsUrl: settings.NATS_URL,
    jwksUrls: settings.JWKS_URL,
    jwtIssuer: settings.JWT_ISSUER,
  };
}

/** As `commonConfig`, for `databaseSettings`. */
export function databaseConfig(settings: Settings<typeof databaseSettings>) {
  return { databaseUrl: settings.DATABASE_URL, databasePoolSize: settings.DATABASE_POOL_SIZE };
}

/** As `commonConfig`, for `redisSettings`. */
export function redisConfig(settings: Settings<typeof redisSettings>) {
  return { redisUrl: settings.REDIS_URL };
}

/** As `commonConfig`, for `clientSettings`. */
export function clientConfig(settings: Settings<typeof clientSettings>) {
  return { serviceSecret: settings.SERVICE_SECRET, authAddress: settings.AUTH_GRPC_ADDRESS };
}

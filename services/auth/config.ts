import { z } from 'zod';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import {
  commonConfig,
  commonSettings,
  databaseConfig,
  databaseSettings,
  readEnv,
  setting,
} from '#kit/process/config.ts';
import { allowanceSettings, allowances } from './attempts/allowances.ts';
import { custodyConfig, custodySettings } from './keys/custody-config.ts';
import { mailConfig, mailSettings } from './mail/mail-config.ts';

const SECRET_HASH = /^[a-z][a-z-]{0,63}=[0-9a-f]{64}$/;

/** Two of one service while its secret is being replaced. */
const secretHashes = () =>
  z
    .string()
    .transform((value) => value.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every((entry) => SECRET_HASH.test(entry)), 'must be <service>=<sha256 hex>,…')
    .transform((entries) => Map.groupBy(entries.map(nameAndHash), ([name]) => name))
    .transform((groups) => new Map([...groups].map(([name, pairs]) => [name, pairs.map(([, hash]) => hash)])));

const SECRET_BYTES = 32;

const isSecret = (text: string) =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) && Buffer.from(text, 'base64').length >= SECRET_BYTES;

/** Several while one is being replaced. */
const secrets = () =>
  z
    .string()
    .transform((value) => value.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every(isSecret), 'must be 32 bytes in base64, or several of them with commas between');

function settings(env: NodeJS.ProcessEnv) {
  return {
    ...commonSettings,
    ...databaseSettings,
    ...allowanceSettings,
    ...mailSettings,
    HTTP_HOST: setting.text().default('0.0.0.0'),
    HTTP_PORT: setting.port(),
    ...custodySettings(env),
    SERVICE_SECRET: setting.text(),
    SERVICE_SECRET_HASHES: secretHashes(),
    LIMITS_REDIS_URL: setting.redisUrl(),
    USER_GRPC_ADDRESS: setting.address(),
    OAUTH_COOKIE_SECRETS: secrets(),
    API_KEY_TAG_SECRETS: secrets(),
    MAIL_TOKEN_SECRETS: secrets(),
    KEY_PUBLISHED_FOR_MS: setting.integer(0, DAY_MS).default(30 * MINUTE_MS),
    KEY_ROTATE_AFTER_DAYS: setting.integer(0, 365).default(90),
  };
}

export type Config = ReturnType<typeof readConfig>;

/** @throws ConfigError naming every setting that is missing or wrong */
export function readConfig(env: NodeJS.ProcessEnv) {
  const read = readEnv(settings(env), env);
  return {
    ...commonConfig(read),
    ...databaseConfig(read),
    httpHost: read.HTTP_HOST,
    httpPort: read.HTTP_PORT,
    custody: custodyConfig(read),
    /** Its own, which the other replicas of it know. */
    serviceSecret: read.SERVICE_SECRET,
    secretHashes: read.SERVICE_SECRET_HASHES,
    /** Where attempts are counted; not the Redis of the feeds, which a flood of keys would empty. */
    limitsRedisUrl: read.LIMITS_REDIS_URL,
    allowances: allowances(read),
    userAddress: read.USER_GRPC_ADDRESS,
    /** The first makes the tags of API keys, all verify them. */
    apiKeyTagSecrets: read.API_KEY_TAG_SECRETS.map((secret) => Buffer.from(secret, 'base64')),
    mail: mailConfig(read),
    /** The first makes the tokens in mails, all verify them. */
    mailTokenSecrets: read.MAIL_TOKEN_SECRETS.map((secret) => Buffer.from(secret, 'base64')),
    oauth: {
      cookieSecrets: read.OAUTH_COOKIE_SECRETS,
    },
    keyPublishedForMs: read.KEY_PUBLISHED_FOR_MS,
    /** Undefined: only when the operator says so. */
    keyRotateAfterMs: read.KEY_ROTATE_AFTER_DAYS === 0 ? undefined : read.KEY_ROTATE_AFTER_DAYS * DAY_MS,
  };
}

function nameAndHash(entry: string): [string, Buffer] {
  const [name = '', hash = ''] = entry.split('=');
  return [name, Buffer.from(hash, 'hex')];
}

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { systemClock } from '#kit/clock.ts';
import { CliError, messageOf } from './cli/cli-error.ts';
import { requireFolder, syncPath } from './machine/folder.ts';

/** Everything secret of one stack, made once. */
export type Secrets = {
  /** Administrators of Postgres, Redis and NATS. */
  readonly admin: { readonly postgres: string; readonly redis: string; readonly nats: string };
  /** By service name. */
  readonly services: Readonly<Record<string, ServiceSecrets>>;
  /** Of the rate limit service, at the Redis of the limits. */
  readonly ratelimit: string;
  /** Of its two users there, the one with this password. */
  readonly ratelimitSecond?: boolean | undefined;
  /** While another takes its place. */
  readonly formerRatelimit?: string | undefined;
  /** Of what reads statistics of Postgres, and nothing else. */
  readonly monitoring: string;
  readonly formerMonitoring?: string | undefined;
  /** The same of both Redis. */
  readonly redisMonitoring: string;
  readonly formerRedisMonitoring?: string | undefined;
  /** Of whoever asks Prometheus. */
  readonly prometheus: string;
  /** Of the role that owns the audit log: no service's. */
  readonly auditOwner: string;
  /** As of the rate limit service. */
  readonly auditSecond?: boolean | undefined;
  readonly formerAuditOwner?: string | undefined;
  /** What `./oxo keys` shows to auth. */
  readonly operator: string;
  /** While another takes its place. */
  readonly formerOperator?: string | undefined;
  /** 32 bytes in base64; encrypts the signing keys at rest. */
  readonly keyEncryptionKey: string;
  /** While another takes its place: what they encrypted can still be decrypted. */
  readonly formerKeyEncryptionKeys: readonly string[];
  /** Since when the present one encrypts, ISO 8601; absent when that is not known. */
  readonly keyEncryptionKeySince?: string | undefined;
  /** 32 bytes in base64; sign the cookies of OAuth. */
  readonly oauthCookies: string;
  /** Those that take the place of these two: known to all processes before the first uses them. */
  readonly nextOauthCookies?: string | undefined;
  readonly nextApiKeyTags?: string | undefined;
  /** What they have signed still counts, the latest first. */
  readonly formerOauthCookies?: readonly FormerSecret[] | undefined;
  readonly formerApiKeyTags?: readonly FormerSecret[] | undefined;
  /** 32 bytes in base64; make the tags of API keys, by which a guess is told from a key. */
  readonly apiKeyTags: string;
  /** 32 bytes in base64; make the tokens that mails carry. */
  readonly mailTokens: string;
  readonly nextMailTokens?: string | undefined;
  readonly formerMailTokens?: readonly FormerSecret[] | undefined;
  /** Passwords of the accounts that `up` makes through the front door. */
  readonly accounts: { readonly demo: string; readonly check: string };
};

export type FormerSecret = {
  readonly secret: string;
  /** When nothing is left that it has signed, ISO 8601. */
  readonly until: string;
};

/** Whom auth and the contracts know the operator as. */
export const operatorName = 'operator';

export type Credentials = {
  readonly database: string;
  readonly redis: string;
  readonly nats: string;
  /** What the service shows to auth for its own tokens. */
  readonly service: string;
  /** Of its two users on each server, the one with these passwords; they take turns. */
  readonly second: boolean;
};

export type ServiceSecrets = Credentials & {
  /** Those that are being replaced, and still count. */
  readonly former?: Credentials | undefined;
  /** Since when the present ones count, ISO 8601; absent when that is not known. */
  readonly since?: string | undefined;
};

const credentialsSchema = z.object({
  database: z.string(),
  redis: z.string(),
  nats: z.string(),
  service: z.string(),
  second: z.boolean().default(false),
});

const formerSecretSchema = z.object({ secret: z.string(), until: z.string() });

const secretsSchema = z.object({
  admin: z.object({ postgres: z.string(), redis: z.string(), nats: z.string() }),
  services: z.record(
    z.string(),
    credentialsSchema.extend({ former: credentialsSchema.optional(), since: z.string().optional() }),
  ),
  // A stack from before they were there has none yet.
  ratelimit: z.string().optional(),
  ratelimitSecond: z.boolean().optional(),
  formerRatelimit: z.string().optional(),
  monitoring: z.string().optional(),
  formerMonitoring: z.string().optional(),
  redisMonitoring: z.string().optional(),
  formerRedisMonitoring: z.string().optional(),
  prometheus: z.string().optional(),
  auditSecond: z.boolean().optional(),
  formerAuditOwner: z.string().optional(),
  operator: z.string().optional(),
  formerOperator: z.string().optional(),
  auditOwner: z.string().optional(),
  keyEncryptionKey: z.string(),
  formerKeyEncryptionKeys: z.array(z.string()).default([]),
  keyEncryptionKeySince: z.string().optional(),
  // As with the operator.
  oauthCookies: z.string().optional(),
  apiKeyTags: z.string().optional(),
  mailTokens: z.string().optional(),
  nextOauthCookies: z.string().optional(),
  nextApiKeyTags: z.string().optional(),
  formerOauthCookies: z.array(formerSecretSchema).optional(),
  formerApiKeyTags: z.array(formerSecretSchema).optional(),
  nextMailTokens: z.string().optional(),
  formerMailTokens: z.array(formerSecretSchema).optional(),
  accounts: z.object({ demo: z.string(), check: z.string() }),
});

type StoredSecrets = z.infer<typeof secretsSchema>;

/**
 * Reads `<stateDir>/secrets.json`, or makes it; a service that is new gets its secrets added.
 * Only its owner can read the file.
 */
export function loadSecrets(stateDir: string, serviceNames: readonly string[]): Secrets {
  requireFolder(stateDir, 'OXO_STATE_DIR');
  const path = join(stateDir, 'secrets.json');
  const before = read(path);
  const secrets: StoredSecrets = before ?? {
    admin: { postgres: password(), redis: password(), nats: password() },
    services: {},
    ...newKeyEncryptionKey(),
    formerKeyEncryptionKeys: [],
    accounts: { demo: password(), check: password() },
  };
  const missing = serviceNames.filter((name) => secrets.services[name] === undefined);
  const others = othersOf(secrets);
  const isComplete = before !== undefined && missing.length === 0;
  if (isComplete && isDeepStrictEqual({ ...before, ...others }, before)) {
    // Only what is missing: who changes the keys writes them, and may be doing so now.
    if (!existsSync(keyFileOf(stateDir))) writeKeyFile(stateDir, secrets);
    return { ...secrets, ...others };
  }
  const added = missing.map((name) => [name, newCredentials(false)]);
  const complete = {
    ...secrets,
    ...others,
    services: { ...secrets.services, ...Object.fromEntries(added) },
  };
  writePrivately(path, `${JSON.stringify(complete, null, 2)}\n`);
  writeKeyFile(stateDir, complete);
  return complete;
}

/** Those that are no service's, made where a stack from before has none yet. */
function othersOf(secrets: StoredSecrets) {
  return {
    operator: secrets.operator ?? password(),
    auditOwner: secrets.auditOwner ?? password(),
    oauthCookies: secrets.oauthCookies ?? key(),
    ratelimit: secrets.ratelimit ?? password(),
    monitoring: secrets.monitoring ?? password(),
    redisMonitoring: secrets.redisMonitoring ?? password(),
    prometheus: secrets.prometheus ?? password(),
    apiKeyTags: secrets.apiKeyTags ?? key(),
    mailTokens: secrets.mailTokens ?? key(),
  };
}

/**
 * Changes the secrets of a stack, whole or not at all, and the file from which auth reads its keys.
 * @param change of what is stored now; the same secrets again when there is nothing to do
 */
export function changeSecrets(stateDir: string, change: (secrets: Secrets) => Secrets): Secrets {
  const before = loadSecrets(stateDir, []);
  const after = change(before);
  if (after !== before) writePrivately(join(stateDir, 'secrets.json'), `${JSON.stringify(after, null, 2)}\n`);
  writeKeyFile(stateDir, after);
  return after;
}

/** From here auth reads its key-encryption keys, again whenever it needs one. */
export function keyFileOf(stateDir: string): string {
  return join(stateDir, 'run', 'key-encryption-keys');
}

/** The keys stand in the secrets, and are written once more as auth reads them. */
function writeKeyFile(stateDir: string, { keyEncryptionKey, formerKeyEncryptionKeys }: StoredSecrets | Secrets): void {
  const path = keyFileOf(stateDir);
  const text = `${[keyEncryptionKey, ...formerKeyEncryptionKeys].join('\n')}\n`;
  if (textOf(path) === text) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writePrivately(path, text);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param second which of the two users of a service gets them */
export function newCredentials(second: boolean): Credentials & { readonly since: string } {
  const [database, redis, nats, service] = [password(), password(), password(), password()];
  return { database, redis, nats, service, second, since: nowText() };
}

/** A key that encrypts from now on, as the secrets hold it. */
export function newKeyEncryptionKey(): Pick<Secrets, 'keyEncryptionKey' | 'keyEncryptionKeySince'> {
  return { keyEncryptionKey: key(), keyEncryptionKeySince: nowText() };
}

function nowText(): string {
  return new Date(systemClock.nowMs()).toISOString();
}

/** Writes a file that only its owner can read, whole or not at all; it is on the disk when this returns. */
export function writePrivately(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  syncPath(fresh);
  renameSync(fresh, path);
  syncPath(dirname(path));
}

/** 48 characters, letters and digits only: it stands in URLs and configuration files without quoting. */
export function password(): string {
  return randomBytes(24).toString('hex');
}

/** 32 bytes in base64. */
export function key(): string {
  return randomBytes(32).toString('base64');
}

function read(path: string): StoredSecrets | undefined {
  try {
    chmodSync(path, 0o600);
    return secretsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const damaged = error instanceof SyntaxError || error instanceof z.ZodError;
    throw new CliError(damaged ? `${path} is damaged` : `${path} can't be read: ${messageOf(error)}`, {
      advice: ['Its passwords belong to the data beside it: restore it, or remove the whole folder to start anew.'],
      cause: error,
    });
  }
}

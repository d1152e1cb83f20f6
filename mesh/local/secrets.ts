import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
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
  /** What `./oxo keys` shows to auth. */
  readonly operator: string;
  /** 32 bytes in base64; encrypts the signing keys at rest. */
  readonly keyEncryptionKey: string;
  /** 32 bytes in base64; sign the cookies of OAuth. */
  readonly oauthCookies: string;
  /** 32 bytes in base64; make the tags of API keys, by which a guess is told from a key. */
  readonly apiKeyTags: string;
  /** Passwords of the accounts that `up` makes through the front door. */
  readonly accounts: { readonly demo: string; readonly check: string };
};

/** Whom auth and the contracts know the operator as. */
export const operatorName = 'operator';

export type ServiceSecrets = {
  readonly database: string;
  readonly redis: string;
  readonly nats: string;
  /** What the service shows to auth for its own tokens. */
  readonly service: string;
};

const secretsSchema = z.object({
  admin: z.object({ postgres: z.string(), redis: z.string(), nats: z.string() }),
  services: z.record(
    z.string(),
    z.object({ database: z.string(), redis: z.string(), nats: z.string(), service: z.string() }),
  ),
  // A stack from before they were there has none yet.
  ratelimit: z.string().optional(),
  operator: z.string().optional(),
  keyEncryptionKey: z.string(),
  // As with the operator.
  oauthCookies: z.string().optional(),
  apiKeyTags: z.string().optional(),
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
    keyEncryptionKey: randomBytes(32).toString('base64'),
    accounts: { demo: password(), check: password() },
  };
  const missing = serviceNames.filter((name) => secrets.services[name] === undefined);
  const { operator, oauthCookies, ratelimit, apiKeyTags } = secrets;
  const isComplete = before !== undefined && missing.length === 0;
  if (isComplete && operator && oauthCookies && ratelimit && apiKeyTags)
    return { ...secrets, operator, oauthCookies, ratelimit, apiKeyTags };
  const added = missing.map((name) => [
    name,
    { database: password(), redis: password(), nats: password(), service: password() },
  ]);
  const complete = {
    ...secrets,
    operator: operator ?? password(),
    oauthCookies: oauthCookies ?? randomBytes(32).toString('base64'),
    ratelimit: ratelimit ?? password(),
    apiKeyTags: apiKeyTags ?? randomBytes(32).toString('base64'),
    services: { ...secrets.services, ...Object.fromEntries(added) },
  };
  writePrivately(path, `${JSON.stringify(complete, null, 2)}\n`);
  return complete;
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

/** Letters and digits only: it stands in URLs and configuration files without quoting. */
function password(): string {
  return randomBytes(24).toString('hex');
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

import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { type RedisUsers, renderAclFile } from '../../local/servers/redis-acl.ts';
import { services } from '../../local/services.ts';

/** An administrator's name, of whose password Vault has the SHA-256 only here. */
const ADMINISTRATOR = 'operator';
/** Whom Redis runs commands for by itself: followers and health checks of the operator sign in without a name. */
const DEFAULT_USER = 'user default';

/** The ExternalSecrets that hold who may do what at a Redis: the rules of one machine, with hashes of passwords from Vault. */
export function renderRedisAcls(): string {
  const counting = { services: users(['auth']), ratelimit: users(['ratelimit']) };
  const names = services.map(({ name }) => name);
  return [externalSecret('redis-acl', { services: users(names) }), externalSecret('redis-limits-acl', counting)].join(
    '---\n',
  );
}

/** Names stand for passwords until their hashes are replaced. */
function users(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [name, name]));
}

function externalSecret(name: string, redisUsers: RedisUsers): string {
  const names = [ADMINISTRATOR, ...redisUsers.services.keys(), ...(redisUsers.ratelimit ?? new Map()).keys()];
  return stringify(
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name },
      spec: {
        refreshInterval: '15m',
        secretStoreRef: { kind: 'SecretStore', name: 'vault' },
        target: { name, template: { data: { 'user.acl': rulesOf(names, redisUsers) } } },
        data: names.map((one) => ({ secretKey: one, remoteRef: { key: `oxo/${one}`, property: 'redis' } })),
      },
    },
    { lineWidth: 0 },
  );
}

function rulesOf(names: readonly string[], redisUsers: RedisUsers): string {
  const byHash = new Map(names.map((name) => [createHash('sha256').update(name).digest('hex'), name]));
  const file = renderAclFile(ADMINISTRATOR, redisUsers).replaceAll(/#([0-9a-f]{64})/g, (_, hash: string) => {
    return `#{{ .${byHash.get(hash)} | sha256sum }}`;
  });
  // The operator and followers sign in as the default user, with the administrator's password.
  return file.replace(`${DEFAULT_USER} off`, `${DEFAULT_USER} on #{{ .${ADMINISTRATOR} | sha256sum }} ~* &* +@all`);
}

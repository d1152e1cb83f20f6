import { createHash } from 'node:crypto';
import { type DataService, workloads } from '../../istio/callers.ts';
import { type RedisUsers, renderAclFile } from '../../local/servers/redis-acl.ts';
import { services } from '../../local/services.ts';
import { externalSecret, render, vaultEntry } from './resources.ts';

/** An administrator's name, of whose password Vault has the SHA-256 only here. */
const ADMINISTRATOR = 'operator';
/** Whose password the exporters beside Redis have: they read statistics, and no key. */
const MONITORING = 'monitoring';
/** Whom Redis runs commands for by itself: followers and health checks of the operator sign in without a name. */
const DEFAULT_USER = 'user default';

/** The ExternalSecrets that hold who may do what at a Redis: the rules of one machine, with hashes of passwords from Vault. */
export function renderRedisAcls(): string {
  const counting = { services: users(servicesOf('redis-limits')), ratelimit: users(['ratelimit']) };
  return render(
    aclSecret('redis-acl', { services: users(servicesOf('redis')) }),
    aclSecret('redis-limits-acl', counting),
  );
}

/** Who has none has no password of it in Vault either, and one that is missing would stop the sync for all. */
function servicesOf(server: DataService): string[] {
  return services.map(({ name }) => name).filter((name) => workloads[name]?.data.includes(server));
}

/** Names stand for passwords until their hashes are replaced. */
function users(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [name, name]));
}

function aclSecret(name: string, redisUsers: RedisUsers): object {
  const names = [
    ADMINISTRATOR,
    ...redisUsers.services.keys(),
    ...(redisUsers.ratelimit ?? new Map()).keys(),
    MONITORING,
  ];
  const entries = names.map((one) => vaultEntry(one, one, 'redis'));
  const rules = rulesOf(names, { ...redisUsers, monitoring: [MONITORING] });
  return externalSecret(name, { 'user.acl': rules }, entries);
}

function rulesOf(names: readonly string[], redisUsers: RedisUsers): string {
  const byHash = new Map(names.map((name) => [createHash('sha256').update(name).digest('hex'), name]));
  const file = renderAclFile(ADMINISTRATOR, redisUsers).replaceAll(/#([0-9a-f]{64})/g, (_, hash: string) => {
    return `#{{ .${byHash.get(hash)} | sha256sum }}`;
  });
  // The operator and followers sign in as the default user, with the administrator's password.
  return file.replace(`${DEFAULT_USER} off`, `${DEFAULT_USER} on #{{ .${ADMINISTRATOR} | sha256sum }} ~* &* +@all`);
}

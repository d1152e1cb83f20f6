import { createHash } from 'node:crypto';
import { ownerOf } from '../credentials/turns.ts';

/** What a service does to keys with a prefix. */
export type KeyAccess = { readonly writes: readonly string[]; readonly reads: readonly string[] };

/** Key prefixes by service: each writes only its own. Whoever is not here writes keys that begin with its name. */
const keyAccess: Readonly<Record<string, KeyAccess>> = {
  user: { writes: ['fver', 'aver', 'profile', 'pulled'], reads: [] },
  post: { writes: ['post', 'own', 'recent'], reads: ['profile', 'pulled'] },
  feed: { writes: ['feed', 'arr'], reads: ['fver', 'aver', 'profile', 'pulled', 'post', 'own', 'recent'] },
};

/** Administrator, for the oxo command alone. */
export const redisAdmin = 'oxo';

/**
 * Data commands and scripts, and of the rest only what a client needs to connect.
 * SCAN and RANDOMKEY show the names of all keys; SCRIPT FLUSH and FUNCTION would hit the neighbours.
 */
const commandRules = [
  'nocommands',
  '+@read +@write +@transaction +@connection -@admin -@dangerous',
  '-scan -randomkey -dbsize -client -function -fcall -fcall_ro',
  '+client|setinfo +client|setname +client|getname +client|id +client|no-evict +client|no-touch',
  '+eval +evalsha +eval_ro +evalsha_ro +script|load +script|exists',
  // Of a cluster: who holds what.
  '+info +cluster|info +cluster|slots +asking',
].join(' ');

/** Of the rate limit service: as it comes, no library of ours. */
export const ratelimitKeyPrefix = 'limits:';

/** Of the rate limit service: it counts, and keys end by themselves. */
function ratelimitRule(password: string): string[] {
  return ['reset', 'on', passwordRule(password), `~${ratelimitKeyPrefix}*`, 'nocommands', ...counting];
}
const counting = [
  '+@connection',
  '+incrby',
  '+expire',
  '+get',
  '+info',
  '-client',
  '+client|setinfo',
  '+client|setname',
];

/** Reads statistics, and never a key: SLOWLOG GET would show what others write. */
export const monitoringUser = 'oxo_monitoring';
const monitoringRule = (passwords: readonly string[]): string[] => [
  ...['reset', 'on', ...passwords.map(passwordRule), 'resetkeys', 'nocommands'],
  ...['+info', '+ping', '+client|setname', '+latency|latest', '+slowlog|len', '+cluster|info'],
];

/** The rule of one user, as it stands behind `user NAME` in a file and as arguments of ACL SETUSER. */
function serviceRule(service: string, password: string): string[] {
  const access = keyAccess[service] ?? { writes: [service], reads: [] };
  const keys = [...access.writes.map((prefix) => `%RW~${prefix}:*`), ...access.reads.map((prefix) => `%R~${prefix}:*`)];
  return ['reset', 'on', passwordRule(password), ...keys, ...commandRules.split(' ')];
}

/** Who may use a server, by name and password: of a service one user, two while its password is replaced. */
export type RedisUsers = {
  readonly services: ReadonlyMap<string, string>;
  /** Of the rate limit service. */
  readonly ratelimit?: ReadonlyMap<string, string>;
  /** Passwords of who reads statistics: two while one is replaced, none where nobody does; absent on a server that is not ours. */
  readonly monitoring?: readonly string[];
};

/** The rule of each user. */
export function rulesOf({ services, ratelimit, monitoring = [] }: RedisUsers): [string, string[]][] {
  const rules = [...services].map(([name, password]): [string, string[]] => [
    name,
    serviceRule(ownerOf(name), password),
  ]);
  return [
    ...rules,
    ...[...(ratelimit ?? [])].map(([name, password]): [string, string[]] => [name, ratelimitRule(password)]),
    ...(monitoring.length === 0 ? [] : [[monitoringUser, monitoringRule(monitoring)] as [string, string[]]]),
  ];
}

/** The ACL file of a server of ours: the default user is off. */
export function renderAclFile(adminPassword: string, users: RedisUsers): string {
  const lines = ['user default off', `user ${redisAdmin} on ${passwordRule(adminPassword)} ~* &* +@all`];
  for (const [name, rule] of rulesOf(users)) lines.push(`user ${name} ${rule.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function passwordRule(password: string): string {
  return `#${createHash('sha256').update(password).digest('hex')}`;
}

import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Durable } from '#kit/events/consumers/durables.ts';
import { AUDIT_SCHEMA } from '../../services/auth/audit/audit-table.ts';
import { signersOf, userNames } from './credentials/turns.ts';
import { loopback } from './ports.ts';
import { operatorName, type Secrets } from './secrets.ts';
import { repositoryRoot } from './settings.ts';
import { authHttpPort, grpcAddresses, grpcPort, opsPort, type Replica } from './stack/replicas.ts';

/** A service of ours, as this machine runs it. */
export type ServiceDefinition = {
  readonly name: string;
  /** Its schema in Postgres; its role is oxo_<name>. */
  readonly schema: string;
  /** Place in the port plan, 0 to 8: see stack/replicas.ts. */
  readonly slot: number;
  /** Its start, from the root of the repository. */
  readonly main: string;
  /** Its migrations; a service without tables has none. */
  readonly migrate: string | undefined;
  /** Subjects of the events it may publish. */
  readonly publishes: readonly string[];
  /** What only this one needs in its environment. */
  readonly extraEnv?: (context: ServiceContext, replica: number, service: ServiceDefinition) => Record<string, string>;
};

/** What a service must know about its surroundings. */
export type ServiceContext = {
  readonly services: readonly ServiceDefinition[];
  readonly portBase: number;
  /** Processes of every service. */
  readonly replicas: number;
  readonly publicUrl: string;
  readonly secrets: Secrets;
  /** Where auth reads its key-encryption keys. */
  readonly keyFile: string;
  /** By service name. */
  readonly databaseUrl: (service: ServiceDefinition) => string;
  readonly redisUrl: (service: ServiceDefinition) => string;
  readonly limitsRedisUrl: (service: ServiceDefinition) => string;
  readonly natsUrl: (service: ServiceDefinition) => string;
  /** How often one may try to come in: auth's own settings. */
  readonly authLimits: Readonly<Record<string, string>>;
  /** Where auth gives its mails. */
  readonly smtpUrl: string;
  /** Passed on from the caller's environment: log level, telemetry. */
  readonly passedOn: Readonly<Record<string, string>>;
};

/** How Node runs a service, here and wherever else it is run. No limits on the heap: DECISIONS.md says what they cost. */
export const nodeArguments: readonly string[] = ['--import', './mesh/kit/observability/telemetry.ts'];

const revocations = ['session.revoked', 'key.rotated', 'api_key.revoked', 'account.disabled'];

/** A service's name: also that of variables, roles, hosts and users, so nothing that any of them takes otherwise. */
const SERVICE_NAME = /^[a-z][a-z0-9]{0,31}$/;

/** Every service; a later one costs one line here. */
export const services: readonly ServiceDefinition[] = [
  define('auth', 'auth', 0, [...revocations, 'mail.queued'], authEnv),
  define('user', 'users', 1, ['user.>']),
  define('post', 'posts', 2, ['post.>', 'comment.>', 'like.>', 'repost.>']),
  // It has no tables yet: what it holds is in Redis and can be made anew.
  { ...define('feed', 'feeds', 3, []), migrate: undefined },
];

/** Whose a schema in Postgres is: its role is oxo_<name>. */
export type SchemaOwner = Pick<ServiceDefinition, 'name' | 'schema'>;

/** The audit log is no service's, so that none can change it: services/auth adds to it and reads it. */
export const auditOwner: SchemaOwner = { name: 'audit', schema: AUDIT_SCHEMA };

function define(
  name: string,
  schema: string,
  slot: number,
  publishes: readonly string[],
  extraEnv?: ServiceDefinition['extraEnv'],
): ServiceDefinition {
  if (!SERVICE_NAME.test(name)) throw new Error(`mesh/local/services.ts: ${name}: a name is ${SERVICE_NAME.source}`);
  const files = { main: `services/${name}/main.ts`, migrate: `services/${name}/migrate.ts` };
  return { name, schema, slot, publishes, ...files, ...(extraEnv === undefined ? {} : { extraEnv }) };
}

/**
 * The durable consumers of a service, from `services/<name>/events/durables.ts` (`export const durables`); a service that
 * reads no events has no such file. We make them, because services may only read what is theirs.
 */
export async function durablesOf(service: ServiceDefinition): Promise<readonly Durable[]> {
  const file = join(repositoryRoot, dirname(service.main), 'events/durables.ts');
  if (!existsSync(file)) return [];
  const module: { durables: readonly Durable[] } = await import(pathToFileURL(file).href);
  return module.durables;
}

/** The migrations of a service by name, in the order in which `services/<name>/schema.ts` runs them, which may differ from that of their names. */
export async function migrationOrder(service: string): Promise<string[]> {
  const file = join(repositoryRoot, 'services', service, 'schema.ts');
  const module: { migrations: readonly { name: string }[] } = await import(pathToFileURL(file).href);
  return module.migrations.map(({ name }) => name);
}

/** The names of a service's migrations, which are those of their files, so that nothing need be loaded to know them; sorted. */
export function migrationNames(service: string): string[] {
  const folder = join(repositoryRoot, 'services', service, 'migrations');
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.ts')) : [];
  return files.map((file) => file.slice(0, -'.ts'.length)).sort();
}

/** Role in Postgres: the owner of the service's schema and of nothing else. */
export function roleOf({ name }: SchemaOwner): string {
  return roleOfUser(name);
}

/** Every role in Postgres as which these services connect. */
export function loginRolesOf(services: readonly SchemaOwner[]): string[] {
  return services.flatMap(({ name }) => userNames(name).map(roleOfUser));
}

/** Role in Postgres of one of the two users that a service has in turns: the owner, or one who acts as the owner. */
export function roleOfUser(user: string): string {
  return `oxo_${user}`;
}

/** The whole environment of a process of a service: nothing of the caller's leaks in unnamed. */
export function serviceEnvironment(instance: Replica, context: ServiceContext): Record<string, string> {
  const { portBase, replicas } = context;
  const { service, replica } = instance;
  const addresses = context.services.map((other) => [
    `${other.name.toUpperCase()}_GRPC_ADDRESS`,
    grpcAddresses(portBase, other, replicas),
  ]);
  const jwksUrls = Array.from({ length: replicas }, (_, other) => jwksUrl(portBase, other));
  return {
    ...context.passedOn,
    NODE_ENV: 'production',
    GRPC_HOST: loopback,
    GRPC_PORT: String(grpcPort(portBase, instance)),
    OPS_HOST: loopback,
    OPS_PORT: String(opsPort(portBase, instance)),
    DATABASE_URL: context.databaseUrl(service),
    REDIS_URL: context.redisUrl(service),
    NATS_URL: context.natsUrl(service),
    JWKS_URL: jwksUrls.join(),
    JWT_ISSUER: context.publicUrl,
    OTEL_SERVICE_NAME: service.name,
    SERVICE_SECRET: context.secrets.services[service.name]?.service ?? '',
    ...Object.fromEntries(addresses),
    ...service.extraEnv?.(context, replica, service),
  };
}

function jwksUrl(portBase: number, replica: number): string {
  return `http://${loopback}:${authHttpPort(portBase, replica)}/.well-known/jwks.json`;
}

function authEnv(context: ServiceContext, replica: number, service: ServiceDefinition): Record<string, string> {
  const { secrets: own } = context;
  const { services: secrets, operator, formerOperator } = own;
  const callers = Object.entries(secrets)
    .filter(([name]) => context.services.some((service) => service.name === name))
    .flatMap(([name, { service, former }]) => [[name, service] as const, [name, former?.service] as const]);
  const hashes = [...callers, [operatorName, operator] as const, [operatorName, formerOperator] as const].flatMap(
    ([name, secret]) => (secret === undefined ? [] : [`${name}=${createHash('sha256').update(secret).digest('hex')}`]),
  );
  return {
    HTTP_HOST: loopback,
    HTTP_PORT: String(authHttpPort(context.portBase, replica)),
    KEY_ENCRYPTION_KEY_FILE: context.keyFile,
    OAUTH_COOKIE_SECRETS: signersOf(own.oauthCookies, own.nextOauthCookies, own.formerOauthCookies),
    API_KEY_TAG_SECRETS: signersOf(own.apiKeyTags, own.nextApiKeyTags, own.formerApiKeyTags),
    MAIL_TOKEN_SECRETS: signersOf(own.mailTokens, own.nextMailTokens, own.formerMailTokens),
    MAIL_SMTP_URL: context.smtpUrl,
    SERVICE_SECRET_HASHES: hashes.join(','),
    LIMITS_REDIS_URL: context.limitsRedisUrl(service),
    ...context.authLimits,
  };
}

import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../cli/cli-error.ts';
import { userOf, withoutFormer } from '../credentials/turns.ts';
import { type Limits, localLimits } from '../limits.ts';
import { requireFolder } from '../machine/folder.ts';
import { loopback, serverPorts } from '../ports.ts';
import { keyFileOf, loadSecrets, type Secrets } from '../secrets.ts';
import { urlOf } from '../servers/database.ts';
import { testRunVariable } from '../servers/environment.ts';
import { natsAdmin, natsUrl } from '../servers/nats.ts';
import { adminUrl } from '../servers/postgres.ts';
import { redisUrl } from '../servers/redis.ts';
import { redisAdmin } from '../servers/redis-acl.ts';
import { type Sockets, socketsOf, withParameter } from '../servers/sockets.ts';
import { services as allServices, roleOfUser, type ServiceContext, type ServiceDefinition } from '../services.ts';
import { type OwnServers, pick, readCacheDir, runtimeVariables } from '../settings.ts';
import { defaultLiveness, type Liveness } from '../supervisor/liveness.ts';
import { type Backoff, defaultBackoff } from '../supervisor/process.ts';
import type { Step } from '../supervisor/state.ts';
import { grpcPort, type Instance, instancesOf, opsPort } from './replicas.ts';

/** What a stack is made of; all but the first two have the defaults of `./oxo up`. */
export type StackOptions = {
  readonly stateDir: string;
  readonly portBase: number;
  readonly cacheDir?: string;
  readonly publicUrl?: string;
  readonly corsOrigins?: readonly string[];
  readonly trustedHops?: number;
  /** Whether a request's own `traceparent` is believed, so that it says which trace it is of and whether that is recorded. */
  readonly trustTraceparent?: boolean;
  /** Authors with more are pulled; the user service's own limit when absent. */
  readonly maxPushedFollowers?: number | undefined;
  /** What one may ask, and how often one may try to come in; what suits one person and one machine when absent. */
  readonly limits?: Limits;
  /** What the caller's environment gave, to be kept by later rolls (settings.ts). */
  readonly variables?: Readonly<Record<string, string>>;
  /** Servers that are there already. */
  readonly own?: OwnServers;
  /** Fewer services, or stand-ins. */
  readonly services?: readonly ServiceDefinition[];
  /** Processes of each service; 1 when absent. */
  readonly replicas?: number;
  /** True: the servers with all users and streams, but no service and no Envoy. */
  readonly serversOnly?: boolean;
  /** False: no Envoy. */
  readonly gateway?: boolean;
  /** How long Envoy keeps the public keys; its own default when absent. */
  readonly jwksCacheMs?: number;
  /** Worker threads of Envoy. */
  readonly envoyConcurrency?: number;
  /** More environment for a service, such as a telemetry collector of a test. */
  readonly serviceEnv?: (service: string) => Record<string, string>;
  /** Where Envoy's spans go, and how many of a hundred requests are traced. */
  readonly tracing?: { readonly otlpEndpoint: string; readonly samplingPercent: number } | undefined;
  /** True: Prometheus, its exporters and what keeps traces run beside it; spans go there as `tracing` says. */
  readonly observability?: boolean;
  readonly backoff?: Backoff;
  readonly liveness?: Liveness;
  /** True: of secrets that are being replaced only the new ones count. */
  readonly presentOnly?: boolean;
  readonly onStep?: (step: Step) => void;
};

/** Where everything of a stack is reached, as an administrator. */
export type StackUrls = {
  /** The front door on this machine. */
  readonly frontDoor: string;
  readonly envoyAdmin: string;
  readonly database: string;
  /** By service, as its own user: what a service owns, only this user reads, since a view runs functions as whoever reads it. */
  readonly databases: Readonly<Record<string, string>>;
  readonly redis: string;
  /** Where limits are counted. */
  readonly limitsRedis: string;
  readonly nats: string;
  /** Absent when NATS is one's own. */
  readonly natsMonitor: string | undefined;
  /** Where mails are given. */
  readonly smtp: string;
  /** The page that shows what was sent; absent where mails are given to a server of one's own, or there are none. */
  readonly mails: string | undefined;
  /** The page of traces and dashboards, and Prometheus with user and password; absent without observability. */
  readonly telemetry: string | undefined;
  readonly prometheus: string | undefined;
  /** Operations port by process (feed, feed-2): /livez, /readyz, /metrics. */
  readonly operations: Readonly<Record<string, string>>;
  /** host:port by process. */
  readonly grpc: Readonly<Record<string, string>>;
};

export type StackPlan = Required<Omit<StackOptions, 'own' | 'tracing' | 'jwksCacheMs' | 'maxPushedFollowers'>> & {
  readonly jwksCacheMs: number | undefined;
  readonly own: OwnServers;
  readonly tracing: StackOptions['tracing'];
  readonly logDir: string;
  /** The processes of the services. */
  readonly instances: readonly Instance[];
  readonly secrets: Secrets;
  readonly sockets: Sockets;
  readonly urls: StackUrls;
  readonly context: ServiceContext;
};

/** Whoever asks Prometheus. */
export const prometheusUser = 'oxo';

/** Names that a service may inherit from the environment of the command. */
const passedOnNames = [
  ...['PATH', 'HOME', 'TZ', 'LOG_LEVEL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_SAMPLER_ARG'],
  ...['KEY_PUBLISHED_FOR_MS', 'KEY_ROTATE_AFTER_DAYS', 'MAIL_FROM'],
];

/**
 * Fills in the defaults, makes the state folder and the secrets. Starts nothing.
 * @throws CliError when the folder or the secrets can't be used
 */
export function planStack(options: StackOptions): StackPlan {
  // Others may enter, where Postgres must run as another user; each server's own folder is closed.
  requireFolder(options.stateDir, 'OXO_STATE_DIR');
  requireFolder(join(options.stateDir, 'data'), 'OXO_STATE_DIR');
  const stateDir = realpathSync(options.stateDir);
  const services = options.services ?? allServices;
  const cacheDir = options.cacheDir ?? readCacheDir(process.env);
  const publicUrl = options.publicUrl ?? `http://${loopback}:${options.portBase}`;
  const own = options.own ?? {};
  requireSecretsOfData(stateDir, own);
  const stored = loadSecrets(
    stateDir,
    services.map((service) => service.name),
  );
  const secrets = options.presentOnly === true ? withoutFormer(stored) : stored;
  const replicas = options.replicas ?? 1;
  const instances = instancesOf(services, replicas);
  const observability = options.observability ?? false;
  const urls = urlsOf({ portBase: options.portBase, services, instances, own, secrets, observability });
  const sockets = socketsOf(stateDir);
  return {
    ...{ stateDir, cacheDir, publicUrl, services, replicas, instances, own, secrets, sockets, urls },
    portBase: options.portBase,
    variables: {
      ...pick(options.variables ?? {}, runtimeVariables),
      ...(observability ? { OXO_OBSERVABILITY: 'on' } : {}),
    },
    corsOrigins: options.corsOrigins ?? ['*'],
    trustedHops: options.trustedHops ?? 0,
    trustTraceparent: options.trustTraceparent ?? false,
    serversOnly: options.serversOnly ?? false,
    gateway: !options.serversOnly && (options.gateway ?? true),
    envoyConcurrency: options.envoyConcurrency ?? 1,
    serviceEnv: options.serviceEnv ?? (() => ({})),
    limits: options.limits ?? localLimits,
    tracing: options.tracing,
    observability,
    jwksCacheMs: options.jwksCacheMs,
    backoff: options.backoff ?? defaultBackoff,
    liveness: options.liveness ?? defaultLiveness,
    presentOnly: options.presentOnly ?? false,
    onStep: options.onStep ?? (() => {}),
    logDir: join(stateDir, 'logs'),
    context: {
      ...{ services, replicas, publicUrl, secrets },
      portBase: options.portBase,
      keyFile: keyFileOf(stateDir),
      ...accessOf(urls, own, secrets, sockets),
      passedOn: { ...passedOn(cacheDir, options.maxPushedFollowers), ...tracingVariables(options.tracing) },
      authLimits: (options.limits ?? localLimits).auth,
      smtpUrl: urls.smtp,
    },
  };
}

type Addressed = Pick<StackPlan, 'portBase' | 'services' | 'instances' | 'own' | 'secrets' | 'observability'>;

function urlsOf({ portBase, services, instances, own, secrets, observability }: Addressed): StackUrls {
  const ports = serverPorts(portBase);
  const http = (port: number): string => `http://${loopback}:${port}`;
  const database =
    own.databaseUrl === undefined ? adminUrl(ports.postgres, secrets.admin.postgres) : urlOf(own.databaseUrl, {});
  return {
    frontDoor: http(ports.frontDoor),
    envoyAdmin: http(ports.envoyAdmin),
    database,
    databases: Object.fromEntries(
      services.map((service) => [
        service.name,
        urlOf(database, {
          name: roleOfUser(userOf(service.name, secretsOf(secrets, service))),
          password: secretsOf(secrets, service).database,
        }),
      ]),
    ),
    redis: own.redisUrl ?? redisUrl(ports.redis, redisAdmin, secrets.admin.redis),
    limitsRedis: ownLimitsRedis(own) ?? redisUrl(ports.limitsRedis, redisAdmin, secrets.admin.redis),
    nats: own.natsUrl ?? natsUrl(ports.nats, natsAdmin, secrets.admin.nats),
    natsMonitor: own.natsUrl === undefined ? http(ports.natsMonitor) : undefined,
    smtp: own.smtpUrl ?? `smtp://${loopback}:${ports.mailSmtp}`,
    mails: catchesMails({ own, services }) ? http(ports.mailPage) : undefined,
    telemetry: observability ? http(ports.telemetry) : undefined,
    prometheus: observability
      ? `http://${prometheusUser}:${secrets.prometheus}@${loopback}:${ports.prometheus}`
      : undefined,
    operations: Object.fromEntries(instances.map((one) => [one.name, http(opsPort(portBase, one))])),
    grpc: Object.fromEntries(instances.map((one) => [one.name, `${loopback}:${grpcPort(portBase, one)}`])),
  };
}

/** A Redis that is not ours, where limits are counted. Whoever brings one for the feeds alone has them there too. */
export function ownLimitsRedis({ limitsRedisUrl, redisUrl: feedsUrl }: OwnServers): string | undefined {
  return limitsRedisUrl ?? feedsUrl;
}

/** Whether mails are caught here: where there is a service that sends some, and no server of one's own. */
export function catchesMails({ own, services }: Pick<StackPlan, 'own' | 'services'>): boolean {
  return own.smtpUrl === undefined && services.some(({ name }) => name === 'auth');
}

/** The URLs that services get: each its own user, and to servers of ours the sockets in the file system, which cost less. */
function accessOf(
  urls: StackUrls,
  own: OwnServers,
  secrets: Secrets,
  sockets: Sockets,
): Pick<ServiceContext, 'databaseUrl' | 'redisUrl' | 'limitsRedisUrl' | 'natsUrl'> {
  return {
    databaseUrl: (service) => {
      const url = urls.databases[service.name] ?? '';
      return own.databaseUrl === undefined ? withParameter(url, 'host', sockets.postgresDir) : url;
    },
    redisUrl: (service) => {
      const its = secretsOf(secrets, service);
      const url = withUser(urls.redis, userOf(service.name, its), its.redis);
      return own.redisUrl === undefined ? withParameter(url, 'path', sockets.redisPath) : url;
    },
    limitsRedisUrl: (service) => {
      const its = secretsOf(secrets, service);
      const url = withUser(urls.limitsRedis, userOf(service.name, its), its.redis);
      return ownLimitsRedis(own) === undefined ? withParameter(url, 'path', sockets.limitsRedisPath) : url;
    },
    // Users of a NATS server stand in its configuration: on one that is not ours all share what one was given.
    natsUrl: (service) => {
      const its = secretsOf(secrets, service);
      return own.natsUrl === undefined ? withUser(urls.nats, userOf(service.name, its), its.nats) : urls.nats;
    },
  };
}

function secretsOf(secrets: Secrets, service: ServiceDefinition): Secrets['services'][string] {
  const found = secrets.services[service.name];
  if (found === undefined) throw new Error(`${service.name} has no secrets`);
  return found;
}

function withUser(url: string, user: string, password: string): string {
  // Schemes that URL does not know as special can't be given a user, so it is written by hand.
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${user}:${password}@${host}${pathname === '/' ? '' : pathname}`;
}

function passedOn(cacheDir: string, maxPushedFollowers: number | undefined): Record<string, string> {
  const named = [...passedOnNames, testRunVariable].map((name) => [name, process.env[name]] as const);
  const present = named.filter((entry): entry is [string, string] => entry[1] !== undefined);
  // Node keeps what it compiled, so that the second start of a service is quick.
  return {
    ...Object.fromEntries(present),
    ...(maxPushedFollowers === undefined ? {} : { MAX_PUSHED_FOLLOWERS: String(maxPushedFollowers) }),
    NODE_COMPILE_CACHE: join(cacheDir, 'compiled'),
  };
}

/** Services send their spans where Envoy does. */
function tracingVariables(tracing: StackOptions['tracing']): Record<string, string> {
  if (tracing === undefined) return {};
  const { otlpEndpoint, samplingPercent } = tracing;
  return { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint, OTEL_TRACES_SAMPLER_ARG: String(samplingPercent / 100) };
}

/** A data folder whose password is lost would only show as a server that never gets ready. */
function requireSecretsOfData(stateDir: string, own: OwnServers): void {
  const hasData = existsSync(join(stateDir, 'data/postgres')) && own.databaseUrl === undefined;
  if (!hasData || existsSync(join(stateDir, 'secrets.json'))) return;
  throw new CliError(`${stateDir} has data but no secrets.json, which holds its passwords`, {
    advice: ['Restore secrets.json, or remove the folder to start anew.'],
  });
}

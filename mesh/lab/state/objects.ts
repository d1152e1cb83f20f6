import { userOf } from '../../local/credentials/turns.ts';
import type { Secrets } from '../../local/secrets.ts';
import { services } from '../../local/services.ts';
import type { Manifest } from '../manifests/apply.ts';
import { stateAddresses } from './servers.ts';

/** Where services run, and where their state is. */
const [appNamespace, infraNamespace] = ['oxo-app', 'oxo-infra'];

type StateService = {
  readonly name: string;
  readonly portName: string;
  readonly host: string;
  readonly port: number;
};

/** How state is addressed in a cluster, by whatever runs it there. */
const stateServices = {
  postgres: { name: 'postgres-rw', portName: 'tcp-postgres', ...stateAddresses.postgres },
  redis: { name: 'redis', portName: 'tcp-redis', ...stateAddresses.redis },
  limitsRedis: { name: 'redis-limits', portName: 'tcp-redis', ...stateAddresses.limitsRedis },
  nats: { name: 'nats', portName: 'tcp-client', ...stateAddresses.nats },
  smtp: { name: 'smtp', portName: 'tcp-smtp', ...stateAddresses.smtp },
} satisfies Readonly<Record<string, StateService>>;

/** Lines of /etc/hosts for pods without a sidecar, which nobody else tells where state is. */
export function stateHosts(): string[] {
  return Object.values(stateServices).map(({ name, host }) => {
    const short = `${name}.${infraNamespace}`;
    return `${host} ${short}.svc.cluster.local ${short}.svc ${short}`;
  });
}

/** Services without selector, whose endpoints are the servers outside the mesh. */
export function stateObjects(): Manifest[] {
  const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: infraNamespace } };
  return [namespace, ...Object.values(stateServices).flatMap(objectsOf)];
}

function objectsOf({ name, port, portName, host }: StateService): Manifest[] {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: infraNamespace },
    spec: { ports: [{ name: portName, port, targetPort: port, protocol: 'TCP' }] },
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...{ name: `${name}-lab`, namespace: infraNamespace },
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'oxo-lab' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [host], conditions: { ready: true, serving: true, terminating: false } }],
    ports: [{ name: portName, port, protocol: 'TCP' }],
  };
  return [service, slice];
}

/** Variables that are secret, or lead to the servers with a password in them. */
const secretNames = [
  ...['DATABASE_URL', 'REDIS_URL', 'LIMITS_REDIS_URL', 'NATS_URL', 'SERVICE_SECRET'],
  ...['SERVICE_SECRET_HASHES', 'OAUTH_COOKIE_SECRETS', 'API_KEY_TAG_SECRETS', 'MAIL_TOKEN_SECRETS'],
];

/** What of a stack of one machine the Secrets are made of. */
export type SecretSources = {
  readonly secrets: Secrets;
  /** The environment of a service. */
  readonly environmentOf: (service: string) => Record<string, string>;
  /** Administrators' URLs. */
  readonly urls: { readonly database: string; readonly nats: string };
};

/** The Secrets that an operator makes from a vault in a cluster: one a service, by the names of its variables. */
export function secretObjects({ secrets, environmentOf, urls }: SecretSources): Manifest[] {
  const ofServices = services.map(({ name }) => {
    const env = environmentOf(name);
    const values: Record<string, string> = Object.fromEntries(
      secretNames.flatMap((key) => (env[key] === undefined ? [] : [[key, inCluster(key, env[key])]])),
    );
    if (name === 'auth') values.KEY_ENCRYPTION_KEY = secrets.keyEncryptionKey;
    return secret(name, values);
  });
  const administration = {
    DATABASE_URL: inCluster('DATABASE_URL', urls.database),
    NATS_URL: inCluster('NATS_URL', urls.nats),
  };
  const passwords = services.map(({ name }) => `${name}=${secrets.services[name]?.database ?? ''}`);
  const user = userOf('ratelimit', { second: secrets.ratelimitSecond ?? false });
  return [
    ...ofServices,
    secret('ratelimit', {
      REDIS_URL: `${hostOf(stateServices.limitsRedis)}:${stateServices.limitsRedis.port}`,
      REDIS_AUTH: `${user}:${secrets.ratelimit}`,
    }),
    secret('migrate', {
      ...administration,
      SERVICE_PASSWORDS: passwords.join(),
      AUDIT_OWNER_PASSWORD: secrets.auditOwner,
    }),
    secret('operator', { ...administration, OPERATOR_SECRET: secrets.operator }),
  ];
}

/** A Secret with a certificate, as gateways take it. */
export function tlsSecret(name: string, namespace: string, certificate: string, key: string): Manifest {
  const data = { 'tls.crt': certificate, 'tls.key': key };
  return { ...secret(name, data), metadata: { name, namespace }, ...{ type: 'kubernetes.io/tls' } };
}

function secret(name: string, values: Readonly<Record<string, string>>): Manifest {
  const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', data: Object.fromEntries(data) },
    metadata: { name, namespace: appNamespace },
  } as Manifest;
}

const byVariable: Readonly<Record<string, StateService>> = {
  DATABASE_URL: stateServices.postgres,
  REDIS_URL: stateServices.redis,
  LIMITS_REDIS_URL: stateServices.limitsRedis,
  NATS_URL: stateServices.nats,
  MAIL_SMTP_URL: stateServices.smtp,
};

/** A URL that leads to a port or a socket of this machine, as pods know it. */
export function inCluster(name: string, value: string): string {
  const service = byVariable[name];
  if (service === undefined) return value;
  const [url = ''] = value.split('?');
  return url.replace(
    /^(\w+:\/\/(?:[^/@]*@)?)[^/]+/,
    (_all, before: string) => `${before}${hostOf(service)}:${service.port}`,
  );
}

function hostOf({ name }: StateService): string {
  return `${name}.${infraNamespace}.svc.cluster.local`;
}

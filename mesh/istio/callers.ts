/**
 * Who may call what: the one table of which the policies of mesh and network are made (./oxo generate). Identities are the accounts of pods
 * (mesh/kubernetes). What services alone may call the contracts say themselves (`callers`). A test compares all of it with the clients that the code has,
 * so a call that is missing and a permission that nobody uses both fail.
 */
import { publicServices, type UpstreamName } from '../../gateway/envoy/settings.ts';
import { readRpcs } from './generate/contracts.ts';

/** What of another service an identity may call: RPCs as `<contract>/<RPC>`, all of a contract as `<contract>/*`, and paths of HTTP. */
export interface Permissions {
  rpcs: readonly string[];
  /** Of auth alone: a path, or all below one as `/oauth/*`. */
  paths?: readonly string[];
}

/** A process in the mesh. */
export interface Workload {
  /** By the name of who calls. */
  callers: Readonly<Record<string, Permissions>>;
  /** Data services, by the label of mesh/kubernetes/base/data.yaml. */
  data: readonly DataService[];
  /** What else it reaches: hosts as a Sidecar names them. */
  reaches?: readonly string[];
  /**
   * Whether its sidecar verifies tokens as well. Not where other bearers than JWTs arrive: API keys and opaque access tokens are refused as
   * "not in the form of a JWT" by it, also where a token is not needed.
   */
  verifiesTokens: boolean;
}

export type DataService = 'postgres' | 'redis' | 'redis-limits' | 'nats';

const JWKS = '/.well-known/jwks.json';
/** Open to whoever shows a secret that auth knows. */
export const TOKENS = 'oxo.auth.v1.AuthInternalService/IssueServiceToken';

/** What auth serves by HTTP to the front door; all of it stands in gateway/envoy/http-routes.ts and exchange.ts. */
const pages = [
  ...[JWKS, '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/internal/exchange'],
  ...[
    'oauth',
    'signin',
    'consent',
    'device',
    'signout',
    'language',
    'signup',
    'account',
    'forgot',
    'reset',
    'verify',
    'keep-email',
  ].flatMap((page) => (page === 'oauth' ? [`/${page}/*`] : [`/${page}`, `/${page}/*`])),
];

/** What the front door leads to a service. */
const publicly = (service: UpstreamName): Permissions => ({
  rpcs: publicServices[service].map((contract) => `${contract}/*`),
});

/** What the contracts cannot say; a later service is one entry here. */
const table: Readonly<Record<string, Workload>> = {
  auth: {
    callers: { gateway: { ...publicly('auth'), paths: pages } },
    data: ['postgres', 'nats', 'redis-limits'],
    reaches: ['vault/vault.vault.svc.cluster.local', './smtp.oxo.example'],
    verifiesTokens: false,
  },
  user: {
    callers: {
      gateway: publicly('user'),
      // On its pages, as the person who is signed in there.
      auth: { rpcs: ['GetMe', 'UpdateMe', 'DeleteMe'].map((name) => `oxo.user.v1.UserService/${name}`) },
    },
    data: ['postgres', 'redis', 'nats'],
    verifiesTokens: true,
  },
  post: { callers: { gateway: publicly('post') }, data: ['postgres', 'redis', 'nats'], verifiesTokens: true },
  feed: { callers: { gateway: publicly('feed') }, data: ['redis', 'nats'], verifiesTokens: true },
  gateway: {
    // Istio's ingress, in a namespace of its own: all that a client may ask for, which the front door alone decides.
    callers: { 'istio-ingress/ingress': { rpcs: [], paths: ['/*'] } },
    data: [],
    verifiesTokens: false,
  },
  ratelimit: {
    callers: { gateway: { rpcs: ['envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit'] } },
    data: ['redis-limits'],
    verifiesTokens: false,
  },
  operator: { callers: {}, data: ['postgres', 'nats'], verifiesTokens: false },
};

const internalRpcs = [...readRpcs().values()].filter(({ callers }) => callers !== undefined);

/** The service that has a contract: the one whose public contracts are of the same package, else the one by whose name the package is called. */
function ownerOf(path: string): string {
  const [family = '', name = ''] = /^oxo\.(\w+)\.v\d+\./.exec(path) ?? [];
  const isOwner = ([, contracts]: [string, readonly string[]]) => contracts.some((one) => one.startsWith(family));
  return Object.entries(publicServices).find(isOwner)?.[0] ?? name;
}

/** Of auth, to whom all services come: a token, for who calls others, and the keys, for who verifies those of others. */
function ofEveryService(caller: string): Permissions {
  const calls = internalRpcs.some(({ callers }) => callers?.includes(caller));
  return { rpcs: calls && caller !== 'auth' ? [TOKENS] : [], ...(table[caller]?.verifiesTokens && { paths: [JWKS] }) };
}

/** Who calls a workload: by the table, and by the contracts. */
function callersOf(name: string, own: Workload['callers']): Workload['callers'] {
  const others = Object.keys(table).filter((other) => own[other] === undefined);
  const all = [...Object.keys(own), ...others].map((caller): [string, Permissions] => {
    const [byTable, byRule] = [own[caller], name === 'auth' ? ofEveryService(caller) : undefined];
    const byContract = internalRpcs.filter(({ path, callers }) => ownerOf(path) === name && callers?.includes(caller));
    const rpcs = [...(byTable?.rpcs ?? []), ...(byRule?.rpcs ?? []), ...byContract.map(({ path }) => path)];
    const paths = byTable?.paths ?? byRule?.paths;
    return [caller, { rpcs, ...(paths && { paths }) }];
  });
  return Object.fromEntries(all.filter(([, { rpcs, paths }]) => rpcs.length > 0 || paths !== undefined));
}

/** Every process in the mesh. @throws Error when a contract names one that has no entry */
export const workloads: Readonly<Record<string, Workload>> = Object.fromEntries(
  Object.entries(table).map(([name, workload]) => [name, { ...workload, callers: callersOf(name, workload.callers) }]),
);

for (const { path, callers = [] } of internalRpcs) {
  const missing = [ownerOf(path), ...callers].filter((name) => table[name] === undefined);
  if (missing.length > 0)
    throw new Error(`mesh/istio/callers.ts: no entry for ${missing}, which ${path} names; add it`);
}

/** What a workload calls, by the table. */
export function calleesOf(caller: string): string[] {
  return Object.entries(workloads).flatMap(([name, { callers }]) => (callers[caller] === undefined ? [] : [name]));
}

/**
 * Who may call what: the one table of which the mesh's policies are made (./oxo generate). Identities are the accounts of pods
 * (mesh/kubernetes); a test compares it with the clients that the code has and with the callers that contracts name, so a call that is missing here
 * and a permission that nobody uses both fail.
 */
import { publicServices, type UpstreamName } from '../../gateway/envoy/settings.ts';

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
const own = 'oxo.auth.v1.AuthInternalService';
const adminInternal = 'oxo.admin.v1.AdminInternalService';
const users = 'oxo.user.v1.UserInternalService';
const posts = 'oxo.post.v1.PostInternalService';

/** What everyone asks of auth who has tokens of its own: a token, and the keys that verify those of others. */
const tokens: Permissions = { rpcs: [`${own}/IssueServiceToken`], paths: [JWKS] };

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
const of = (contract: string, ...names: string[]): Permissions => ({
  rpcs: names.map((name) => `${contract}/${name}`),
});

/** A later service is one entry here. */
export const workloads: Readonly<Record<string, Workload>> = {
  auth: {
    callers: {
      gateway: {
        ...publicly('auth'),
        paths: pages,
      },
      user: { rpcs: [...tokens.rpcs, `${own}/DisableAccount`], paths: [JWKS] },
      post: tokens,
      feed: tokens,
      operator: {
        rpcs: [
          ...['IssueServiceToken', 'RotateSigningKeys', 'RewrapSigningKeys', 'DropServiceSecrets'].map(
            (name) => `${own}/${name}`,
          ),
          ...['GrantAdmin', 'RevokeAdmin', 'ListAdmins', 'ResetMfa'].map((name) => `${adminInternal}/${name}`),
        ],
      },
    },
    data: ['postgres', 'nats', 'redis-limits'],
    reaches: ['vault/*', './smtp.oxo.example'],
    verifiesTokens: false,
  },
  user: {
    callers: {
      gateway: publicly('user'),
      auth: {
        rpcs: [
          ...['CreateUser', 'ResolveUser', 'ConfirmErasure'].map((name) => `${users}/${name}`),
          // On its pages, as the person who is signed in there.
          ...['GetMe', 'UpdateMe', 'DeleteMe'].map((name) => `oxo.user.v1.UserService/${name}`),
        ],
      },
      post: of(users, 'BatchGetUsers', 'BatchGetUsersByHandle', 'ConfirmErasure', 'ListFolloweeIds'),
      feed: of(users, 'BatchGetUsers', 'ConfirmErasure', 'ListFolloweeIds', 'StreamFollowerIds'),
    },
    data: ['postgres', 'redis', 'nats'],
    verifiesTokens: true,
  },
  post: {
    callers: {
      gateway: publicly('post'),
      feed: of(posts, 'BatchGetPosts', 'ListPostsByAuthors', 'ListPublicPosts', 'PublishRecentPosts'),
    },
    data: ['postgres', 'redis', 'nats'],
    verifiesTokens: true,
  },
  feed: {
    callers: { gateway: publicly('feed') },
    data: ['redis', 'nats'],
    verifiesTokens: true,
  },
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

/** What a workload calls, by the table. */
export function calleesOf(caller: string): string[] {
  return Object.entries(workloads).flatMap(([name, { callers }]) => (callers[caller] === undefined ? [] : [name]));
}

import type { EdgeLimits } from './limits/rates.ts';

/** A TCP address. In Kubernetes the host is the name of a Service, on one machine 127.0.0.1. */
export interface Endpoint {
  host: string;
  port: number;
}

/**
 * The services behind the front door, by the cluster's name in Envoy, with the public gRPC services of each. A later
 * service costs one line here. Internal services stand nowhere: what is not listed cannot be reached.
 */
export const publicServices = {
  auth: [
    'oxo.auth.v1.AuthService',
    'oxo.auth.v1.ApiKeyService',
    'oxo.auth.v1.ConsentService',
    'oxo.auth.v1.MfaService',
    'oxo.auth.v1.PasskeyService',
    'oxo.admin.v1.AdminService',
  ],
  user: ['oxo.user.v1.UserService'],
  post: ['oxo.post.v1.PostService'],
  feed: ['oxo.feed.v1.FeedService'],
} as const satisfies Record<string, readonly string[]>;

/** The largest body of a request. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Fields that stand in paths, as in /api/v1/users/{user_id}/posts. The transcoder would let a query parameter of the
 * same name override the path; a test compares the list with the contracts.
 */
export const pathParameters: readonly string[] = ['client_id', 'handle', 'id', 'user_id'];

/** A file that Envoy answers with, read when it starts. */
export interface StaticFile {
  /** The whole path of the URL. */
  path: string;
  /** Where the file is on the machine where Envoy runs. */
  file: string;
  /** The same in gzip, for clients that take it. */
  gzipFile?: string;
  /** How large it is without gzip. */
  bytes: number;
  contentType: string;
  cacheControl: string;
  /** Weak (W/"…"), since it is the same with gzip and without. */
  etag: string;
  /** What the page may load; nothing when absent. */
  contentSecurityPolicy?: string;
  /** Whether pages of other origins may read it, as far as they may call at all. */
  readableByPages?: boolean;
}

export type UpstreamName = keyof typeof publicServices;

/** All that differs between one machine and Kubernetes. */
export interface EnvoySettings {
  /** Where clients connect (HTTP/1.1 and HTTP/2 without TLS). */
  listen: Endpoint;
  /** Envoy's own admin interface: never reachable from outside. */
  admin: Endpoint;
  /** gRPC addresses of the services: where a host is one process, one address a replica. */
  upstreams: Readonly<Record<UpstreamName, Endpoint | readonly Endpoint[]>>;
  /** HTTP address of the auth service, which serves /.well-known/jwks.json; as with `upstreams`. */
  authHttp: Endpoint | readonly Endpoint[];
  /**
   * Whether requests go to an upstream by its own name, not by the one that the client asked for: what stands between, such as a sidecar of
   * Istio, finds the service by it. False when absent.
   */
  ownHosts?: boolean;
  /** The rate limit service: its gRPC address, or the path of its socket. Absent: writes are not limited but by network. */
  ratelimit?: Endpoint | { path: string };
  /** What one may ask; `productionLimits` when absent. */
  limits?: EdgeLimits;
  /** Path of gen/envoy/oxo.binpb on the machine where Envoy runs. */
  descriptorPath: string;
  /** What Envoy answers itself, from files; none when absent. */
  files?: readonly StaticFile[];
  /** Where clients find OXO, such as https://oxo.example; also the issuer of tokens. No slash at the end. */
  publicUrl: string;
  /** Origins of browsers' pages that may call, such as https://app.example; "*" for any; empty for none. */
  corsOrigins: readonly string[];
  /** Proxies of ours in front of Envoy whose x-forwarded-for entries are believed. 0: the client connects directly. */
  trustedHops: number;
  /** Where spans go by OTLP over HTTP, and how many of the requests are traced (0 to 100). Absent: no spans. */
  tracing?: { otlpEndpoint: string; samplingPercent: number };
  /**
   * Whether a request's own `traceparent` is believed: its trace goes on, and is recorded when it says so. Only where none but callers of ours come,
   * or a proxy of ours in front begins traces. False when absent: each request begins a trace.
   */
  trustTraceparent?: boolean;
  /** How long the public keys are kept. 60 s when absent: so long a key is unknown that signs as soon as it is published. */
  jwksCacheMs?: number;
  /** How long a service may take to answer. 10 s when absent. */
  requestTimeoutMs?: number;
  /** How long a client may take to send its request. 15 s when absent. */
  clientTimeoutMs?: number;
  /** Requests on their way to each endpoint of a service at once, by what they are; more are refused with 503. 512 and 256 when absent. */
  maxRequests?: { reads: number; writes: number };
  /** Connections of clients at once; one more is closed. Envoy must be allowed as many files. 10,000 when absent. */
  maxConnections?: number;
  /** Memory at which Envoy begins to refuse requests rather than be killed. 512 MiB when absent. */
  maxHeapMib?: number;
}

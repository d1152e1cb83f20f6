import { calleesOf, type DataService, type Workload } from '../callers.ts';
import { expand, type Rpc } from './contracts.ts';
import { grpcPortOf, HTTP_PORT, hostOf, ofPods, principalOf, resource } from './names.ts';

/** As the front door waits; callers in the code give up after 5 s. */
const UNARY_TIMEOUT = '10s';
/** The longest that a call may take at all (mesh/kit/rpc/middleware.ts). */
const STREAM_TIMEOUT = '60s';
/** Of reads: only what has not begun. What was answered, UNAVAILABLE too, the caller's own code tries again, within its budget. */
const RETRY_READS = {
  attempts: 2,
  perTryTimeout: '5s',
  retryOn: 'connect-failure,refused-stream,reset-before-request',
};
/** Istio would try two times more by itself, writes too. */
const NEVER = { attempts: 0 };
/** Routes are matched one after the other, by expressions of a bounded size. */
const RPCS_OF_ROUTE = 20;

const DATA_HOSTS: Readonly<Record<DataService, readonly string[]>> = {
  postgres: ['postgres-rw'],
  redis: ['redis', 'redis-leader', 'redis-leader-headless', 'redis-follower', 'redis-follower-headless'],
  'redis-limits': ['redis-limits'],
  nats: ['nats'],
};

/** Where spans go, and who says what there is: by name, since what else runs in their namespaces is no business of ours. */
const EVERYBODYS_HOSTS = [
  'monitoring/collector.monitoring.svc.cluster.local',
  'istio-system/istiod.istio-system.svc.cluster.local',
];

/** Connections to a workload, and when one of its pods is left out for a while. */
export function destinationRule(name: string): object {
  return resource('networking', 'DestinationRule', name, {
    host: hostOf(name),
    trafficPolicy: {
      // Whoever stands behind the name must be this account: else a pod that only wears the label would do, whatever its certificate.
      tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: [`spiffe://${principalOf(name)}`] },
      loadBalancer: { simple: 'ROUND_ROBIN', localityLbSetting: { enabled: true } },
      connectionPool: {
        tcp: { maxConnections: 1_024, connectTimeout: '1s', tcpKeepalive: { time: '60s', interval: '10s', probes: 3 } },
        http: { http1MaxPendingRequests: 512, http2MaxRequests: 1_024, maxRetries: 64, idleTimeout: '300s' },
      },
      // A pod whose process is away answers 503 by its sidecar. One that has too much to do says so too, but not ten times without an answer between.
      outlierDetection: {
        splitExternalLocalOriginErrors: true,
        consecutiveLocalOriginFailures: 5,
        consecutive5xxErrors: 0,
        consecutiveGatewayErrors: 10,
        interval: '2s',
        baseEjectionTime: '10s',
        maxEjectionPercent: 50,
      },
    },
    subsets: [
      { name: 'stable', labels: { version: 'v1' } },
      { name: 'canary', labels: { version: 'canary' } },
    ],
  });
}

/** Time and tries of each call. @param canaryPercent of requests go to the pods of the next version */
export function virtualService(
  name: string,
  workload: Workload,
  rpcs: ReadonlyMap<string, Rpc>,
  canaryPercent = 0,
): object {
  const own = servedBy(workload, rpcs);
  const [reads, streams] = [
    own.filter(({ isRead, isStream }) => isRead && !isStream),
    own.filter((rpc) => rpc.isStream),
  ];
  const port = grpcPortOf(name);
  const to = (number: number) => ({ route: destinations(name, number, canaryPercent) });
  const ofGrpc = to(port);
  const http = [
    ...chunksOf(reads).map((uri) => ({
      match: [{ uri, port }],
      timeout: UNARY_TIMEOUT,
      retries: RETRY_READS,
      ...ofGrpc,
    })),
    ...chunksOf(streams).map((uri) => ({ match: [{ uri, port }], timeout: STREAM_TIMEOUT, retries: NEVER, ...ofGrpc })),
    ...(name === 'auth'
      ? [{ match: [{ port: HTTP_PORT }], timeout: UNARY_TIMEOUT, retries: NEVER, ...to(HTTP_PORT) }]
      : []),
    { match: [{ port }], timeout: UNARY_TIMEOUT, retries: NEVER, ...ofGrpc },
  ];
  return resource('networking', 'VirtualService', name, { hosts: [hostOf(name)], http });
}

function servedBy({ callers }: Workload, rpcs: ReadonlyMap<string, Rpc>): Rpc[] {
  const entries = Object.values(callers).flatMap((permissions) => permissions.rpcs);
  const ours = entries.flatMap((entry) => expand(entry, rpcs));
  return [...new Map(ours.map((rpc) => [rpc.path, rpc])).values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function chunksOf(rpcs: readonly Rpc[]): { regex: string }[] {
  const chunks = Array.from({ length: Math.ceil(rpcs.length / RPCS_OF_ROUTE) }, (_, chunk) =>
    rpcs.slice(chunk * RPCS_OF_ROUTE, (chunk + 1) * RPCS_OF_ROUTE),
  );
  return chunks.map((some) => ({ regex: `/(${some.map(({ path }) => path.replaceAll('.', '\\.')).join('|')})` }));
}

function destinations(name: string, number: number, canaryPercent: number): object[] {
  const to = (subset: string) => ({ host: hostOf(name), subset, port: { number } });
  if (canaryPercent === 0) return [{ destination: to('stable') }];
  return [
    { destination: to('stable'), weight: 100 - canaryPercent },
    { destination: to('canary'), weight: canaryPercent },
  ];
}

/** What a workload's sidecar knows of, and so all that it lets out. */
export function sidecar(name: string, workload: Workload): object {
  const services = calleesOf(name).map((callee) => `./${hostOf(callee)}`);
  const data = workload.data.flatMap((one) =>
    DATA_HOSTS[one].map((host) => `oxo-infra/${host}.oxo-infra.svc.cluster.local`),
  );
  const hosts = [...services, ...data, ...(workload.reaches ?? []), ...EVERYBODYS_HOSTS];
  return resource('networking', 'Sidecar', name, {
    workloadSelector: { labels: ofPods(name).matchLabels },
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    egress: [{ hosts }],
  });
}

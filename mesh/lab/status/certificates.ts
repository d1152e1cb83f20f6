import { systemClock } from '#kit/clock.ts';
import { inNamespace } from '../net/network.ts';

/** The certificate by which a pod's sidecar is known. */
export type WorkloadCertificate = {
  readonly serialNumber: string;
  readonly uris: readonly string[];
  readonly ageMs: number;
  readonly leftMs: number;
};

type Certificate = {
  readonly serial_number: string;
  readonly subject_alt_names?: readonly { readonly uri?: string }[];
  readonly valid_from: string;
  readonly expiration_time: string;
};

/** @returns undefined when its sidecar does not tell */
export async function certificateOf(namespace: string): Promise<WorkloadCertificate | undefined> {
  const text = await askSidecar(namespace, '/certs').catch(() => undefined);
  if (text === undefined) return undefined;
  const { certificates } = JSON.parse(text) as {
    certificates: readonly { readonly cert_chain?: readonly Certificate[] }[];
  };
  const own = certificates.map(({ cert_chain = [] }) => cert_chain[0]).find((one) => one !== undefined);
  if (own === undefined) return undefined;
  const nowMs = systemClock.nowMs();
  return {
    serialNumber: own.serial_number,
    uris: (own.subject_alt_names ?? []).flatMap(({ uri }) => (uri === undefined ? [] : [uri])),
    ageMs: nowMs - Date.parse(own.valid_from),
    leftMs: Date.parse(own.expiration_time) - nowMs,
  };
}

/** One that a pod's Envoy sends requests to. */
export type UpstreamHost = {
  /** `outbound|50051|stable|user.oxo-app.svc.cluster.local`, `inbound|50051||`, … */
  readonly cluster: string;
  /** host:port */
  readonly address: string;
  readonly requests: number;
  /** Left out for a while, since it failed. */
  readonly isEjected: boolean;
};

/** Whom a pod's Envoy knows. Its counters are mostly switched off by Istio, but not these. */
export async function upstreamHosts(namespace: string): Promise<UpstreamHost[]> {
  const hosts = new Map<string, Record<string, string>>();
  for (const line of (await askSidecar(namespace, '/clusters')).split('\n')) {
    const [cluster = '', address = '', name = '', value] = line.split('::');
    // Beside hosts there are lines about the cluster as a whole.
    if (value === undefined || !/:\d+$/.test(address)) continue;
    const key = `${cluster}::${address}`;
    hosts.set(key, { ...hosts.get(key), [name]: value });
  }
  return [...hosts].map(([key, values]) => {
    const [cluster = '', address = ''] = key.split('::');
    const isEjected = values.health_flags?.includes('failed_outlier_check') ?? false;
    return { cluster, address, requests: Number(values.rq_total ?? 0), isEjected };
  });
}

const adminPort = 15_000;
const script = `const r = await fetch(process.argv[1], { signal: AbortSignal.timeout(5000) });
process.stdout.write(await r.text()); process.exit(r.ok ? 0 : 1);`;

/** Asks the administration interface of a pod's Envoy, which listens for the pod alone. */
function askSidecar(namespace: string, path: string): Promise<string> {
  const url = `http://127.0.0.1:${adminPort}${path}`;
  return inNamespace(namespace, process.execPath, ['--input-type=module', '-e', script, url]);
}

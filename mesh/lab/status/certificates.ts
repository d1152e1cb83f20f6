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

const adminPort = 15_000;
const script = `const r = await fetch(process.argv[1], { method: process.argv[2], signal: AbortSignal.timeout(5000) });
process.stdout.write(await r.text()); process.exit(r.ok ? 0 : 1);`;

/** Asks the administration interface of a pod's Envoy, which listens for the pod alone. */
function askSidecar(namespace: string, path: string, method = 'GET'): Promise<string> {
  const url = `http://127.0.0.1:${adminPort}${path}`;
  return inNamespace(namespace, process.execPath, ['--input-type=module', '-e', script, url, method]);
}

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import { join } from 'node:path';
import type { KubernetesList, KubernetesObject } from '../api/types.ts';
import { api, lab } from './pods.ts';

/** By which clients know us, and of whom the ingress shows a certificate. */
const publicHost = 'oxo.example';
const [namespace, service, port] = ['istio-ingress', 'ingress', 8443];
/** A load balancer hears of a pod that comes or goes by its own checks: so much later. */
const lagMs = 5_000;

/** The way in from outside, as an address of plain HTTP for the clients that we have. */
export type Ingress = { readonly url: string; readonly close: () => void };

type EndpointSlice = KubernetesObject & {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
};

/**
 * Passes requests on to the ingress by TLS, whose certificate is verified, over connections that a load balancer would give: each to one pod of those
 * that the Service has, until either side closes it. What can't be reached is answered with 599.
 */
export async function openIngress(): Promise<Ingress> {
  const ca = readFileSync(join(lab.clusterDir, 'certificates/ca.crt'), 'utf8');
  // Taken in turn, so that none lies idle until its pod has ended: each hears in time that it is to be closed.
  const agent = new Agent({ keepAlive: true, ca, servername: publicHost, maxSockets: 32, scheduling: 'fifo' });
  const lookup = balance();
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const options = { agent, lookup, host: publicHost, port, method, path: url };
    const passed = request({ ...options, headers: { ...headers, host: publicHost } }, (answer) => {
      const { connection: _, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 599, rest);
      answer.pipe(outgoing);
    });
    passed.on('error', (error) => {
      if (!outgoing.headersSent) outgoing.writeHead(599);
      outgoing.end(error.message);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: local } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${local}`,
    close: () => {
      agent.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Chooses a pod for each new connection, one after the other. */
function balance(): LookupFunction {
  let known: Promise<string[]> | undefined;
  let knownAtMs = 0;
  let next = 0;
  const pods = (): Promise<string[]> => {
    if (known === undefined || performance.now() - knownAtMs > lagMs) {
      known = readyPods();
      knownAtMs = performance.now();
    }
    return known;
  };
  return (_host, { all = false }, callback) => {
    pods().then(
      (addresses) => {
        const address = addresses[next++ % addresses.length];
        if (address === undefined) callback(new Error('no pod of the ingress is ready'), '');
        else if (all) callback(null, [{ address, family: 4 }]);
        else callback(null, address, 4);
      },
      (error: Error) => {
        known = undefined;
        callback(error, '');
      },
    );
  };
}

async function readyPods(): Promise<string[]> {
  const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
  const { items } = await api.get<KubernetesList<EndpointSlice>>(path);
  const all = items.flatMap(({ endpoints = [] }) => endpoints);
  return all.filter(({ conditions }) => conditions?.ready ?? false).flatMap(({ addresses }) => addresses);
}

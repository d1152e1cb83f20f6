import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ipOf, lab, podOf } from './pods.ts';

/** By which clients know us, and of whom the ingress shows a certificate. */
const publicHost = 'oxo.example';
const [namespace, selector, port] = ['istio-ingress', 'istio=ingress', 8443];

/** The way in from outside, as an address of plain HTTP for the clients that we have. */
export type Ingress = { readonly url: string; readonly close: () => void };

/**
 * Passes requests on to the ingress by TLS, whose certificate is verified. What can't be reached is answered with 599.
 */
export async function openIngress(): Promise<Ingress> {
  const ca = readFileSync(join(lab.clusterDir, 'certificates/ca.crt'), 'utf8');
  const host = ipOf(await podOf(selector, namespace));
  const agent = new Agent({ keepAlive: true, ca, servername: publicHost, maxSockets: 32 });
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const options = { agent, host, port, method, path: url, headers: { ...headers, host: publicHost } };
    const passed = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 599, answer.headers);
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

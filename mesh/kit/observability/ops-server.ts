/**
 * The operations port of a process: /livez (it runs), /readyz (it can serve; 503 with the failing checks otherwise), /metrics.
 * Not for the public: it is bound to a port of its own and answers GET only. On a machine's loopback it answers only who asks for it by its own
 * name: a page from elsewhere may have its name lead here. Elsewhere probes come by the address of a pod.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDependencies, type ReadyCheck } from '#kit/observability/dependencies.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';

export interface OpsServer {
  readonly url: string;
  /**
   * Registers a check of /readyz, which `oxo_dependency_up` tells too. Checks run side by side, each with the server's time limit.
   * @param name of what the process depends on, in small letters: a label's value
   */
  addCheck(name: string, check: ReadyCheck): void;
  /** What /readyz says besides its checks: `starting` and `draining` are always 503. */
  setState(state: OpsState): void;
  close(): Promise<void>;
}

export type OpsState = 'starting' | 'ready' | 'draining';

export interface OpsServerOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  metrics: Metrics;
  logger: Logger;
  /** Default 2,000. */
  checkTimeoutMs?: number;
}

const loopbackNames = /^(127(\.\d{1,3}){3}|localhost|::1|\[::1\])$/i;

/** Listens, in state `starting`. Rejects when the port is taken. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const dependencies = createDependencies(options.metrics, options.checkTimeoutMs ?? 2_000);
  let state: OpsState = 'starting';

  const isLoopback = loopbackNames.test(options.host);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { host } = request.headers;
    if (isLoopback && host !== undefined && !loopbackNames.test(host.replace(/:\d{1,5}$/, '')))
      return send(response, 421, 'text/plain', 'this is for 127.0.0.1 and localhost\n');
    if (request.method !== 'GET') return send(response, 405, 'text/plain', 'only GET\n');
    const path = request.url?.split('?', 1)[0];
    if (path === '/livez') return send(response, 200, 'text/plain', 'ok\n');
    if (path === '/metrics') {
      return send(response, 200, options.metrics.registry.contentType, await options.metrics.render());
    }
    if (path !== '/readyz') return send(response, 404, 'text/plain', 'not found\n');
    const failing = await dependencies.failing();
    const ready = state === 'ready' && Object.keys(failing).length === 0;
    return send(response, ready ? 200 : 503, 'application/json', JSON.stringify({ ready, state, failing }));
  };

  const server = createServer(
    { maxHeaderSize: 4_096, requestTimeout: 5_000, headersTimeout: 5_000 },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        options.logger.error({ err: error, path: request.url }, 'operations request failed');
        if (!response.headersSent) send(response, 500, 'text/plain', 'failed\n');
      });
    },
  );
  server.maxConnections = 64;
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    addCheck: dependencies.add,
    setState: (next) => {
      state = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

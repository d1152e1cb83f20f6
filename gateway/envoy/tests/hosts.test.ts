/** By which name the front door asks an upstream: between them stands a sidecar in a cluster, which finds the service by it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { everyUpstream } from '../testing/upstreams.ts';

const ASKED_FOR = 'oxo.example';

/** Answers every call that it is not there, and tells which names it was asked by. */
async function startServers() {
  const names = new Map<string, string[]>();
  const note = (path: string, name: string | undefined) => names.set(path, [...(names.get(path) ?? []), name ?? '']);
  const grpc = createHttp2Server();
  grpc.on('stream', (stream, headers) => {
    note(headers[':path'] ?? '', headers[':authority']);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
  });
  const http = createServer((incoming, response) => {
    note(incoming.url ?? '', incoming.headers.host);
    response.writeHead(incoming.url === '/.well-known/jwks.json' ? 200 : 401);
    response.end('{"keys":[]}');
  });
  for (const server of [grpc, http]) server.listen(0);
  await Promise.all([once(grpc, 'listening'), once(http, 'listening')]);
  const portOf = (server: { address(): string | AddressInfo | null }) => (server.address() as AddressInfo).port;
  const stop = () => {
    for (const server of [grpc, http]) server.close();
    http.closeAllConnections();
  };
  return { names, grpcPort: portOf(grpc), httpPort: portOf(http), stop };
}

function ask({ host, port }: FrontDoor, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, headers: { host: ASKED_FOR, ...headers } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end();
  });
}

for (const ownHosts of [true, false]) {
  describe(ownHosts ? 'with names of their own upstreams' : 'without names of their own upstreams', () => {
    let servers: Awaited<ReturnType<typeof startServers>>;
    let door: FrontDoor;
    before(async () => {
      servers = await startServers();
      const upstreams = everyUpstream({ host: 'localhost', port: servers.grpcPort });
      door = await startFrontDoor({ upstreams, authHttp: { host: 'localhost', port: servers.httpPort }, ownHosts });
    });
    after(async () => {
      await door.stop();
      servers.stop();
    });

    it(`are asked by ${ownHosts ? 'their own' : 'the one that the client asked for'}`, async () => {
      await ask(door, '/api/v1/posts/p1');
      await ask(door, '/signin');
      await ask(door, '/api/v1/feed', { 'x-api-key': 'oxo_1_2' });
      const own = (port: number, other = ASKED_FOR) => (ownHosts ? `localhost:${port}` : other);
      assert.deepEqual(servers.names.get('/oxo.post.v1.PostService/GetPost'), [own(servers.grpcPort)]);
      assert.deepEqual(servers.names.get('/signin'), [own(servers.httpPort)]);
      assert.deepEqual(servers.names.get('/internal/exchange'), [own(servers.httpPort)]);
      // Envoy asks for the keys by itself.
      assert.equal(servers.names.get('/.well-known/jwks.json')?.[0], own(servers.httpPort, 'auth-http'));
    });
  });
}

import { connect, createServer, type Server } from 'node:net';

/** An address of the node's network that leads to a port on its loopback. */
type Forward = { readonly host: string; readonly port: number; readonly target: number };

/** Passes connections on. Servers listen on the loopback address alone, as on any machine; pods reach them by addresses of the network. */
export async function startForwards(forwards: readonly Forward[]): Promise<{ stop: () => void }> {
  const servers = await Promise.all(forwards.map(listen));
  return {
    stop: () => {
      for (const server of servers) server.close();
    },
  };
}

function listen({ host, port, target }: Forward): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const behind = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.pipe(behind);
    behind.pipe(client);
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.once('error', reject);
  server.listen(port, host, () => resolve(server));
  return promise;
}

import type { TokenVerifier } from '#kit/identity/token-verifier.ts';
import { createRpcServer, type RpcServer } from '#kit/rpc/server.ts';
import { type Callers, createCallers, type TokenSource } from '#kit/testing/callers.ts';
import type { TestContext } from '#kit/testing/context.ts';

/**
 * Serves the contracts of a service under test on a port of its own.
 * @param addServices adds them, wired as the service wires them
 * @returns its callers
 */
export async function serveTest(
  context: TestContext,
  identity: { verifier: TokenVerifier; tokens: TokenSource },
  addServices: (server: RpcServer) => void,
): Promise<Callers> {
  const { metrics, logger, clock } = context;
  const server = createRpcServer({ verifier: identity.verifier, metrics, logger, clock });
  addServices(server);
  const port = await server.listen('127.0.0.1:0');
  context.onStop(server.close);
  return createCallers(context, `127.0.0.1:${port}`, identity.tokens);
}

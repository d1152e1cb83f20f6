import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { createRpcServer } from '#kit/rpc/server.ts';
import type { TestContext } from '#kit/testing/context.ts';
import { SERVICE_TOKEN_SECONDS, type TestIssuer } from '#kit/testing/tokens.ts';

/**
 * What a process asks of auth, answered by the issuer of the test: its public keys by HTTP, and tokens of services by RPC,
 * whatever their secret.
 * @param port of the RPCs; any free one when absent
 */
export async function serveIssuer(
  context: TestContext,
  issuer: TestIssuer,
  port = 0,
): Promise<{ jwksUrl: string; authAddress: string }> {
  const { metrics, logger, clock } = context;
  const keys = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(issuer.jwks)),
  );
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  context.onStop(() => {
    keys.closeAllConnections();
    keys.close();
  });
  const auth = createRpcServer({ verifier: issuer.verifier, metrics, logger, clock });
  auth.add(AuthInternalServiceDefinition, {
    issueServiceToken: async ({ clientId }) => ({
      accessToken: await issuer.serviceToken(clientId),
      expiresIn: SERVICE_TOKEN_SECONDS,
    }),
    disableAccount: ({ userId }) => {
      issuer.denyList.deny(userId);
      return Promise.resolve({});
    },
    rotateSigningKeys: () => Promise.reject(new Error('the issuer of a test has one key')),
    dropServiceSecrets: () => Promise.reject(new Error('the issuer of a test replaces no secrets')),
    rewrapSigningKeys: () => Promise.reject(new Error('the issuer of a test has no vault')),
  });
  const authPort = await auth.listen(`127.0.0.1:${port}`);
  context.onStop(auth.close);
  const { port: keysPort } = keys.address() as AddressInfo;
  return { jwksUrl: `http://127.0.0.1:${keysPort}/jwks.json`, authAddress: `127.0.0.1:${authPort}` };
}

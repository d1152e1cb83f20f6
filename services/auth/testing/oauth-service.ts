import { startAuthService, type TestAuthOptions, type TestAuthService } from './auth-service.ts';
import { serveTestPages } from './oauth-browser.ts';
import { registerClient, type TestClient } from './oauth-client.ts';

export interface TestOAuth {
  service: TestAuthService;
  client: TestClient;
  /** Of somebody who may grant it something. */
  accountId: string;
}

/**
 * The auth service for tests of OAuth, whose pages the test answers for people.
 * @param options.client metadata over that of `registerClient`
 */
export async function startOAuthService(
  options: TestAuthOptions & { client?: Record<string, unknown> } = {},
): Promise<TestOAuth> {
  const { client, ...others } = options;
  const service = await startAuthService({ withUser: false, ...others });
  serveTestPages(service);
  const { id: accountId } = await service.signIn();
  return { service, client: await registerClient(service, client), accountId };
}

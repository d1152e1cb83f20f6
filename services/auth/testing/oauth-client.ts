import assert from 'node:assert/strict';
import type { TestAuthService } from './auth-service.ts';
import { callHttp, type TestAnswer } from './oauth-browser.ts';

export interface TestClient {
  id: string;
  secret: string | undefined;
  redirectUri: string;
}

type At = Pick<TestAuthService, 'httpUrl'>;

/** Posts JSON. */
export function postJson({ httpUrl }: At, path: string, body: unknown, headers: Record<string, string> = {}) {
  return callHttp(new URL(path, httpUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Registers a client. @param metadata over a web client with one redirect URI that may refresh */
export async function registerClient(at: At, metadata: Record<string, unknown> = {}): Promise<TestClient> {
  const redirectUri = 'https://app.example/callback';
  const defaults = {
    client_name: 'Test',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const answer = await postJson(at, '/oauth/register', { ...defaults, ...metadata });
  assert.equal(answer.status, 201, answer.body);
  const registered = answer.json<{ client_id: string; client_secret?: string; redirect_uris?: string[] }>();
  return {
    id: registered.client_id,
    secret: registered.client_secret,
    redirectUri: registered.redirect_uris?.[0] ?? redirectUri,
  };
}

/** Posts a form as this client, with its secret if it has one. */
export function postAs(at: At, client: TestClient, path: string, form: Record<string, string>): Promise<TestAnswer> {
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64');
  const own: Record<string, string> = client.secret === undefined ? { client_id: client.id } : {};
  return callHttp(new URL(path, at.httpUrl), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(client.secret === undefined ? {} : { authorization: `Basic ${basic}` }),
    },
    body: new URLSearchParams({ ...own, ...form }).toString(),
  });
}

export function token(at: At, client: TestClient, form: Record<string, string>): Promise<TestAnswer> {
  return postAs(at, client, '/oauth/token', form);
}

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { OAUTH_SCOPES } from '../tokens/scopes.ts';
import type { TestAuthService } from './auth-service.ts';
import { authorize, callHttp, openTestBrowser, type TestAnswer, type TestBrowser } from './oauth-browser.ts';

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
export function postAs(
  at: At,
  client: TestClient,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TestAnswer> {
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64');
  const own: Record<string, string> = client.secret === undefined ? { client_id: client.id } : {};
  return callHttp(new URL(path, at.httpUrl), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(client.secret === undefined ? {} : { authorization: `Basic ${basic}` }),
      ...headers,
    },
    body: new URLSearchParams({ ...own, ...form }).toString(),
  });
}

export function token(at: At, client: TestClient, form: Record<string, string>): Promise<TestAnswer> {
  return postAs(at, client, '/oauth/token', form);
}

/** What a client keeps of a request until the answer comes. */
export interface AuthorizationRequest {
  address: string;
  verifier: string;
}

/** The address to which a client sends a person. @param changes over a request that is right; undefined takes a parameter away */
export function authorizationRequest(
  client: TestClient,
  changes: Record<string, string | undefined> = {},
): AuthorizationRequest {
  const verifier = randomBytes(32).toString('base64url');
  const parameters = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirectUri,
    scope: 'openid posts:read offline_access',
    prompt: 'consent',
    state: 'state-1',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { address: `/oauth/authorize?${new URLSearchParams(given)}`, verifier };
}

/** A code that this person's sign-in and consent gives to the client. @param scopes that the person grants; all by default */
export async function getCode(
  at: At,
  client: TestClient,
  person: { accountId: string; scopes?: string },
  changes: Record<string, string | undefined> = {},
): Promise<{ code: string; verifier: string; browser: TestBrowser }> {
  const browser = openTestBrowser(at);
  const { address, verifier } = authorizationRequest(client, changes);
  const answer = await authorize(browser, address, { scopes: OAUTH_SCOPES.join(' '), ...person });
  const code = answer.location?.searchParams.get('code');
  assert.ok(code, `${answer.status} ${answer.location?.href} ${answer.body}`);
  return { code, verifier, browser };
}

/** The form that redeems a code. */
export const redeem = (client: TestClient, { code, verifier }: { code: string; verifier: string }) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: client.redirectUri,
  code_verifier: verifier,
});

export interface TestTokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
  scope: string;
  token_type: string;
  expires_in: number;
}

/** Tokens of this person for the client. */
export async function getTokens(
  at: At,
  client: TestClient,
  person: { accountId: string; scopes?: string },
  changes: Record<string, string | undefined> = {},
): Promise<TestTokens & { browser: TestBrowser }> {
  const got = await getCode(at, client, person, changes);
  const answer = await token(at, client, redeem(client, got));
  assert.equal(answer.status, 200, answer.body);
  return { ...answer.json<TestTokens>(), browser: got.browser };
}

/** The scopes of a token, in no order. */
export const scopesOf = (scope: unknown) => String(scope).split(' ').sort();

/** The error of an answer, and nothing that it should not tell. */
export function errorOf(answer: TestAnswer): string {
  const { error, ...others } = answer.json<{ error: string }>();
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.body}`);
  for (const name of Object.keys(others))
    assert.ok(['error_description', 'scope', 'iss', 'state'].includes(name), name);
  return error;
}

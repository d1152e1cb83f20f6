/** OAuth by hand, for who does not keep to what the library of a client does. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as send } from 'node:http';
import { type Browser, openBrowser, type Shown } from './browser.ts';
import type { Person } from './people.ts';
import type { World } from './world.ts';

/** Nobody listens there: the answer is read out of the address. */
export const callback = 'https://app.example/callback';

export type Answered = {
  readonly status: number;
  readonly headers: Readonly<IncomingMessage['headers']>;
  readonly body: string;
  /** Where it leads to, absolute. */
  readonly location: URL | undefined;
};

export type Sent = {
  readonly method?: string;
  /** Posted; as pairs, where a field stands in it several times. */
  readonly form?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Its cookies go along; those that come back are not kept. */
  readonly as?: Browser;
};

/** One request to the front door, its path on the wire as it is. Nothing is followed. */
export async function ask({ stack }: World, path: string, sent: Sent = {}): Promise<Answered> {
  const { form, json, as } = sent;
  const pairs = form === undefined || Array.isArray(form) ? form : Object.entries(form);
  const body = pairs === undefined ? json : new URLSearchParams((pairs as [string, string][]).map(([...it]) => it));
  const type = pairs === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  const cookie = [...(as?.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  const { hostname, port, origin } = new URL(stack.urls.frontDoor);
  const request = send({
    ...{ hostname, port, path, agent: false, method: sent.method ?? (body === undefined ? 'GET' : 'POST') },
    headers: {
      // Programs post and browsers too, but these bring cookies.
      accept: body === undefined || as !== undefined ? 'text/html' : 'application/json',
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...sent.headers,
    },
  });
  if (body === undefined) request.end();
  else request.end(pairs === undefined && typeof body !== 'string' ? JSON.stringify(body) : String(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  const { location } = response.headers;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: text,
    location: location === undefined ? undefined : new URL(location, origin),
  };
}

export type OAuthClient = { readonly id: string; readonly secret: string | undefined; readonly redirectUri: string };

/** @param metadata over a web client that may refresh */
export async function registerClient(world: World, metadata: Record<string, unknown> = {}): Promise<OAuthClient> {
  const grants = { grant_types: ['authorization_code', 'refresh_token'] };
  const json = { client_name: 'Reader', redirect_uris: [callback], ...grants, ...metadata };
  const answer = await ask(world, '/oauth/register', { json });
  assert.equal(answer.status, 201, answer.body);
  const made = JSON.parse(answer.body) as { client_id: string; client_secret?: string; redirect_uris?: string[] };
  return { id: made.client_id, secret: made.client_secret, redirectUri: made.redirect_uris?.[0] ?? callback };
}

type Changes = Readonly<Record<string, string | undefined>>;
export type CodeRequest = { readonly path: string; readonly verifier: string };

export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** Where a client sends a person. @param changes over what is right; undefined takes a parameter away */
export function codeRequest(client: OAuthClient, changes: Changes = {}): CodeRequest {
  const verifier = randomBytes(32).toString('base64url');
  const all = {
    ...{ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, state: 'state-1' },
    ...{ scope: 'openid posts:read offline_access', prompt: 'consent' },
    ...{ code_challenge: challengeOf(verifier), code_challenge_method: 'S256' },
    ...changes,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { path: `/oauth/authorize?${new URLSearchParams(given)}`, verifier };
}

/** Signs in where it is asked, consents to these scopes, and goes on. */
export async function agree(browser: Browser, page: Shown, person: Person, scopes: readonly string[]): Promise<Shown> {
  let shown = page;
  if (shown.url.pathname === '/signin') {
    shown = await browser.submit(shown, { identifier: person.handle, password: person.password });
  }
  assert.equal(shown.url.pathname, '/consent', shown.body);
  return browser.submit(shown, { scope: scopes.filter((scope) => scope !== 'openid') }, 'Allow');
}

export type Code = {
  readonly code: string;
  readonly verifier: string;
  readonly browser: Browser;
  readonly answer: URL;
};

/** A code that the person's sign-in and consent gives to the client, for all that it asks for. */
export async function getCode(world: World, client: OAuthClient, person: Person, changes: Changes = {}): Promise<Code> {
  const browser = openBrowser(world.stack.urls.frontDoor);
  const { path, verifier } = codeRequest(client, changes);
  const scopes = new URLSearchParams(path.split('?')[1]).get('scope')?.split(' ') ?? [];
  const { url, body } = await agree(browser, await browser.open(path), person, scopes);
  return { code: url.searchParams.get('code') ?? assert.fail(`${url} ${body}`), verifier, browser, answer: url };
}

/** Posts a form as this client. */
export function postAs(
  world: World,
  client: OAuthClient,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const own: Record<string, string> = client.secret === undefined ? {} : { client_secret: client.secret };
  return ask(world, path, { form: { client_id: client.id, ...own, ...form }, headers });
}

/** The form that redeems a code. */
export const redeem = ({ redirectUri }: OAuthClient, { code, verifier }: Pick<Code, 'code' | 'verifier'>) => ({
  ...{ grant_type: 'authorization_code', code, code_verifier: verifier },
  redirect_uri: redirectUri,
});

export type OAuthTokens = Readonly<Record<'access_token' | 'refresh_token' | 'id_token' | 'scope', string>>;

export async function getTokens(
  world: World,
  client: OAuthClient,
  person: Person,
  changes: Changes = {},
): Promise<OAuthTokens & { readonly browser: Browser }> {
  const code = await getCode(world, client, person, changes);
  return { ...tokensIn(await postAs(world, client, '/oauth/token', redeem(client, code))), browser: code.browser };
}

export function tokensIn({ status, body }: Answered): OAuthTokens {
  assert.equal(status, 200, body);
  return JSON.parse(body) as OAuthTokens;
}

/** The error of an answer, which tells nothing of us besides. */
export function errorIn({ status, body }: Answered): string {
  assert.ok(status >= 400 && status < 500, `${status} ${body}`);
  const { error, ...others } = JSON.parse(body) as { error: string };
  const told = Object.keys(others).filter((name) => !['error_description', 'scope', 'iss', 'state'].includes(name));
  assert.deepEqual(told, []);
  assert.doesNotMatch(body, /stack|node_modules|postgres|select /i);
  return error;
}

/** The one script that the library has: it posts a form with nothing in it that a person would have to agree to. Its hash is in the policy. */
const ownScript = /<script>\s*document\.addEventListener\('DOMContentLoaded', [^<]*<\/script>/;

/** Whether a page could run anything that somebody has put into it. */
export function runs(body: string): boolean {
  const markup = body.replace(ownScript, '').replace(/"[^"]*"/g, '""');
  return /<script|<img|javascript:|<[^>]*\son\w+=/i.test(markup);
}

/** The fields of the form of a page that are filled in, all boxes ticked. */
export function fieldsIn({ body }: Pick<Answered, 'body'>): Record<string, string> {
  const inputs = [...body.matchAll(/<input\b([^>]*)>/g)].map(([, tag = '']) => tag);
  const attribute = (tag: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return Object.fromEntries(inputs.map((tag) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? '']));
}

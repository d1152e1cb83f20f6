/** People at the pages of a test's auth service, as a browser without scripts shows them. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { TestAuthService } from './auth-service.ts';
import { ISSUER } from './auth-service.ts';
import type { TestAnswer, TestBrowser } from './oauth-browser.ts';
import { type TestClient, token } from './oauth-client.ts';
import { PASSKEY_URL } from './passkeys.ts';
import { PASSWORD } from './signers.ts';

/** What a client has to remember of its request. */
export interface TestRequest {
  /** Where it sends the person. */
  address: string;
  verifier: string;
}

/** A request of a client for a code. @param more overrides its parameters */
export function requestOf(client: TestClient, scope: string, more: Record<string, string> = {}): TestRequest {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, scope, state: 's1' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
    ...more,
  });
  return { address: `/oauth/authorize?${query}`, verifier };
}

/** The page that an address leads to in the end; what leads away from us is not followed. */
export async function open(browser: TestBrowser, address: string | URL): Promise<TestAnswer> {
  return settle(browser, await browser.fetch(address));
}

const OWN: ReadonlySet<string> = new Set([ISSUER, PASSKEY_URL]);

/** Follows redirects within us. */
export async function settle(browser: TestBrowser, answer: TestAnswer): Promise<TestAnswer> {
  if (answer.location === undefined || !OWN.has(answer.location.origin)) return answer;
  return settle(browser, await browser.fetch(answer.location));
}

/** What is special about a page: around it is the same everywhere, with a form for the language. */
export const mainOf = ({ body }: Pick<TestAnswer, 'body'>): string => /<main[\s\S]*<\/main>/.exec(body)?.[0] ?? body;

/** The fields of the one form of a page that are filled in already; unticked boxes are not among them. */
export function fieldsOf(page: TestAnswer): [string, string][] {
  const inputs = [...mainOf(page).matchAll(/<input ([^>]*)>/g)].map(([, text = '']) => text);
  return inputs.flatMap((text): [string, string][] => {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
    const name = attribute('name');
    if (name === undefined || (attribute('type') === 'checkbox' && !/\bchecked\b/.test(text))) return [];
    return [[name, unescaped(attribute('value') ?? '')]];
  });
}

export function unescaped(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name] ?? '');
}

/** Fills in and posts the form of a page, with a button. @param changes fields that are filled in otherwise; undefined: unticked */
export async function submit(
  browser: TestBrowser,
  page: TestAnswer,
  changes: Record<string, string | undefined>,
  headers: Record<string, string> = {},
): Promise<TestAnswer> {
  const action = /<form method="post" action="([^"]+)"/.exec(page.body)?.[1] ?? assert.fail(page.body);
  const kept = fieldsOf(page).filter(([name]) => !(name in changes));
  const own = Object.entries(changes).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  );
  return browser.fetch(action, [...kept, ...own], headers);
}

/** Presses the button of this name on a page of several forms, which posts the form that it stands in. @param changes as for `submit` */
export async function press(
  browser: TestBrowser,
  page: TestAnswer,
  button: string,
  changes: Record<string, string | undefined> = {},
): Promise<TestAnswer> {
  const forms = [...mainOf(page).matchAll(/<form method="post"[\s\S]*?<\/form>/g)].map(([form]) => form);
  for (const body of forms) {
    for (const [, attributes = '', text = ''] of body.matchAll(/<button ([^>]*)>([^<]*)</g)) {
      const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1];
      if ((attribute('aria-label') ?? text) !== button) continue;
      const name = attribute('name');
      const pressed = name === undefined ? {} : { [name]: attribute('value') ?? '' };
      return submit(browser, { ...page, body }, { ...changes, ...pressed });
    }
  }
  return assert.fail(`there is no button ${button}: ${page.body}`);
}

/** Signs in at the page, with the right password unless another is given. */
export async function signInAt(browser: TestBrowser, page: TestAnswer, identifier: string, password = PASSWORD) {
  return settle(browser, await submit(browser, page, { identifier, password }));
}

/** Allows all at the consent page but what is unticked. */
export async function allowAt(browser: TestBrowser, page: TestAnswer, unticked: readonly string[] = []) {
  const action = /<form method="post" action="([^"]+)"/.exec(page.body)?.[1] ?? assert.fail(page.body);
  const fields = fieldsOf(page).filter(([name, value]) => name !== 'scope' || !unticked.includes(value));
  return settle(browser, await browser.fetch(action, [...fields, ['decision', 'allow']]));
}

/** The scopes that a consent page asks for, all ticked. */
export function scopesAt(page: TestAnswer): string[] {
  return fieldsOf(page).flatMap(([name, value]) => (name === 'scope' ? [value] : []));
}

/** The code in the address of the client to which a flow has led. */
export function codeIn(answer: TestAnswer): string {
  return answer.location?.searchParams.get('code') ?? assert.fail(answer.location?.href ?? answer.body);
}

/** What the client gets for the code. */
export async function tokensFor(
  at: Pick<TestAuthService, 'httpUrl'>,
  client: TestClient,
  request: TestRequest,
  answer: TestAnswer,
): Promise<Record<'access_token' | 'refresh_token' | 'id_token' | 'scope', string>> {
  const issued = await token(at, client, {
    ...{ grant_type: 'authorization_code', code: codeIn(answer) },
    ...{ redirect_uri: client.redirectUri, code_verifier: request.verifier },
  });
  assert.equal(issued.status, 200, issued.body);
  return issued.json();
}

const header = ({ headers }: TestAnswer, name: string) => String(headers[name] ?? '');

/** What every page must carry: it shows nothing of others, runs nothing but the script that is said, and is shown in nobody's frame. */
export function assertSafe(page: TestAnswer, ...more: (string | { script: string })[]): void {
  const formLeadsTo = more.filter((each) => typeof each === 'string');
  const [script] = more.filter((each) => typeof each === 'object').map((each) => each.script);
  const policy = new Map(
    header(page, 'content-security-policy')
      .split(/; */)
      .map((directive) => {
        const [name = '', ...values] = directive.split(' ');
        return [name, values.join(' ')];
      }),
  );
  assert.match(policy.get('style-src') ?? '', /^'sha256-[\w+/]+=*'$/);
  policy.delete('style-src');
  assert.deepEqual(Object.fromEntries(policy), {
    ...{ 'default-src': "'none'", 'base-uri': "'none'", 'frame-ancestors': "'none'" },
    'form-action': ["'self'", ...formLeadsTo].join(' '),
    ...(script === undefined ? {} : { 'script-src': script }),
  });
  assert.equal(header(page, 'cache-control'), 'no-store');
  assert.equal(header(page, 'referrer-policy'), 'no-referrer');
  assert.equal(header(page, 'x-content-type-options'), 'nosniff');
  assert.equal(header(page, 'x-frame-options'), 'DENY');
  assert.equal(header(page, 'content-type'), 'text/html; charset=utf-8');
  assert.match(page.body, /^<!doctype html>\n<html lang="(en|vi)">/);
  const own = script === undefined ? '' : `<script type="module" src="${script}"></script>`;
  const markup = page.body.replace(own, '').replace(/"[^"]*"/g, '""');
  assert.doesNotMatch(markup, /<script|javascript:|<[^>]*\son\w+=/i);
}

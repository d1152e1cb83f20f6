/**
 * A browser at the HTTP server of a test's auth service: it keeps cookies and follows redirects by itself, up to the pages and to the
 * client. Pages are answered by calling `Interactions` without a page.
 */
import { once } from 'node:events';
import { request as send } from 'node:http';
import type { TestAuthService } from './auth-service.ts';
import { ISSUER } from './auth-service.ts';

export interface TestAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
  /** Where it redirects to, absolute. */
  location: URL | undefined;
  json<Body = Record<string, unknown>>(): Body;
}

/** Fields of a form; as pairs, where one stands in it several times. */
export type TestForm = Record<string, string> | [name: string, value: string][];

export interface TestBrowser {
  readonly cookies: Map<string, string>;
  /** One request, with the cookies that belong to its path. @param form is posted */
  fetch(url: string | URL, form?: TestForm, headers?: Record<string, string>): Promise<TestAnswer>;
  /** Follows redirects until a page, or somewhere else than ours. */
  follow(answer: TestAnswer): Promise<TestAnswer>;
}

interface Cookie {
  value: string;
  path: string;
}

export function openTestBrowser({ httpUrl }: Pick<TestAuthService, 'httpUrl'>): TestBrowser {
  const jar = new Map<string, Cookie>();

  function keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice('path='.length) ?? '/';
      if (attributes.includes('expires=Thu, 01 Jan 1970 00:00:00 GMT')) jar.delete(name);
      else jar.set(name, { value, path });
    }
  }

  const browser: TestBrowser = {
    get cookies() {
      return new Map([...jar].map(([name, { value }]) => [name, value]));
    },
    async fetch(url, form, headers = {}) {
      const target = new URL(url, ISSUER);
      const own = [...jar].filter(([, { path }]) => target.pathname.startsWith(path));
      const cookie = own.map(([name, { value }]) => `${name}=${value}`).join('; ');
      const body = form === undefined ? undefined : new URLSearchParams(form).toString();
      const answer = await callHttp(new URL(target.pathname + target.search, httpUrl), {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'text/html',
          ...(cookie === '' ? {} : { cookie }),
          ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        body,
      });
      keep([answer.headers['set-cookie'] ?? []].flat());
      return answer;
    },
    async follow(answer) {
      const isOurs = answer.location?.origin === ISSUER && /^\/(oauth|device)\//.test(answer.location.pathname);
      if (answer.location === undefined || !isOurs) return answer;
      return browser.follow(await browser.fetch(answer.location));
    },
  };
  return browser;
}

/** One request as it is; nothing is followed. */
export async function callHttp(
  url: URL,
  options: { method?: string; headers?: Record<string, string>; body?: string | undefined } = {},
): Promise<TestAnswer> {
  const { method = 'GET', headers = {}, body } = options;
  const request = send(url, { method, headers, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  const location = response.headers.location;
  return {
    status: response.statusCode,
    headers: response.headers,
    body: text,
    location: location === undefined ? undefined : new URL(location, ISSUER),
    json: () => JSON.parse(text),
  };
}

/** Stands for the pages: the test says who signs in, and what that person grants. */
export function serveTestPages({
  http,
  oauth,
  sessions,
  clock,
}: Pick<TestAuthService, 'http' | 'oauth' | 'sessions' | 'clock'>): void {
  const finish = { path: '/test/finish', methods: ['GET'], lane: 'test' };
  http.handle(finish, async (exchange) => {
    const { query, response } = exchange;
    const [id, accountId, scopes] = ['interaction', 'accountId', 'scopes'].map((name) => query.get(name) ?? '');
    const found = await oauth.interactions.read(exchange, id ?? '');
    let epoch = Number(query.get('epoch') ?? Number.NaN);
    if (found?.prompt === 'login' && Number.isNaN(epoch)) {
      const session = await sessions.open(accountId ?? '', exchange.device, exchange, { kind: 'BROWSER' });
      epoch = session?.epoch ?? epoch;
      if (session !== undefined) response.appendHeader('set-cookie', `oxo_session=${session.refreshToken}; path=/`);
    }
    const finished =
      found?.prompt === 'login'
        ? oauth.interactions.finishLogin(exchange, found.id, {
            accountId: accountId ?? '',
            atMs: clock.nowMs(),
            factors: ['PASSWORD'],
            epoch,
          })
        : oauth.interactions.finishConsent(exchange, id ?? '', { scopes: (scopes ?? '').split(' ') });
    const location = query.has('abort') ? await oauth.interactions.abort(exchange, id ?? '') : await finished;
    response.writeHead(location === undefined ? 400 : 303, location === undefined ? {} : { location });
    response.end(JSON.stringify(found ?? null));
  });
}

interface TestPerson {
  accountId: string;
  /** What the person grants, with blanks between. */
  scopes: string;
}

/** Goes through sign-in and consent as this person, from the client's address to where the client gets the answer. */
export async function authorize(browser: TestBrowser, address: string | URL, person: TestPerson): Promise<TestAnswer> {
  return goOn(browser, await browser.fetch(address), person);
}

/** The same, from an answer that leads there. */
export async function goOn(browser: TestBrowser, from: TestAnswer, person: TestPerson): Promise<TestAnswer> {
  let answer = await browser.follow(from);
  for (let page = 0; page < 3; page += 1) {
    const id = answer.location?.searchParams.get('interaction');
    if (answer.location?.origin !== ISSUER || id == null) return answer;
    const query = new URLSearchParams({ interaction: id, ...person });
    answer = await browser.follow(await browser.fetch(`/test/finish?${query}`));
  }
  return answer;
}

import { randomInt } from 'node:crypto';
import { type Browser, openBrowser, type Shown } from '../testing/browser.ts';
import { type Answered, ask, fieldsIn, type Sent } from '../testing/oauth.ts';
import type { World } from '../testing/world.ts';
import { isSecretName } from './fields.ts';
import type { Marks } from './marks.ts';

/** Sends what is marked, and remembers each secret that is answered. */
export type Teller = {
  readonly world: World;
  readonly marks: Marks;
  /** One request from an address of its own. @param path on the wire as it is */
  readonly send: (path: string, sent?: Sent) => Promise<Answered>;
  /** A request of the API with a body of JSON. @throws Error unless it is answered with a success */
  readonly api: <Body>(method: string, path: string, token?: string, json?: object) => Promise<Body>;
  readonly browser: () => Browser;
  /** Remembers what a page or a redirect has given to a browser. */
  readonly noteShown: (shown: Shown, browser: Browser) => Shown;
  /** How many answers had which status. */
  readonly statuses: ReadonlyMap<number, number>;
};

/** RFC 5737: nobody has them. */
const clients = '198.51.100';

export function createTeller(world: World, marks: Marks): Teller {
  const statuses = new Map<number, number>();

  function noteAll(value: unknown, name = ''): void {
    if (typeof value === 'string') {
      if (isSecretName(name) && value !== '') marks.remember(name, value);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const isList = Array.isArray(value);
    for (const [key, item] of Object.entries(value)) noteAll(item, isList ? name : key);
  }

  function noteCookies(pairs: Iterable<readonly [string, string]>): void {
    for (const [name, value] of pairs) if (value.length > 16) marks.remember(`the cookie ${name}`, value);
  }

  function noteLocation(url: URL | undefined): void {
    for (const [name, value] of url?.searchParams ?? []) {
      if (['code', 'token', 'id_token_hint'].includes(name)) marks.remember(`${name} of an address`, value);
    }
  }

  async function send(path: string, sent: Sent = {}): Promise<Answered> {
    const client = `${clients}.${randomInt(1, 255)}`;
    marks.remember('the address of a client', client);
    const headers = { 'x-forwarded-for': client, accept: 'application/json', ...sent.headers };
    const answer = await ask(world, path, { ...sent, headers });
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    noteLocation(answer.location);
    const cookies = (answer.headers['set-cookie'] ?? []).map((line) => (line.split(';')[0] ?? '').split(/=(.*)/s));
    noteCookies(cookies.map(([name = '', value = '']) => [name, value]));
    if (String(answer.headers['content-type']).startsWith('application/json')) noteAll(JSON.parse(answer.body));
    return answer;
  }

  return {
    world,
    marks,
    statuses,
    send,
    async api<Body>(method: string, path: string, token?: string, json?: object) {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await send(`/api/v1${path}`, { method, ...(json === undefined ? {} : { json }), headers });
      if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
      return (answer.body === '' ? {} : JSON.parse(answer.body)) as Body;
    },
    browser: () => openBrowser(world.stack.urls.frontDoor),
    noteShown(shown, browser) {
      noteCookies(browser.cookies);
      noteLocation(shown.url);
      for (const [name, value] of Object.entries(fieldsIn(shown))) {
        if (isSecretName(name) && value.length > 16)
          marks.remember(`the field ${name} of ${shown.url.pathname}`, value);
      }
      return shown;
    },
  };
}

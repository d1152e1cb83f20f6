import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request as send } from 'node:http';

/** What a browser shows: a page of ours, or where it was sent away from us. */
export type Shown = {
  readonly url: URL;
  readonly status: number;
  readonly headers: Readonly<IncomingMessage['headers']>;
  readonly body: string;
};

/** A browser without scripts: it keeps cookies, follows redirects, and posts the forms of the pages. */
export type Browser = {
  /** Opens an address; a redirect to somebody else is not followed, and shown as it is. */
  readonly open: (url: URL | string) => Promise<Shown>;
  /**
   * Fills in the form of the page, and presses its first button, or the one with this text.
   * @param fields by name; several values are those that are ticked. Those that the page has filled in stay
   */
  readonly submit: (page: Shown, fields: Record<string, string | readonly string[]>, button?: string) => Promise<Shown>;
  readonly cookies: ReadonlyMap<string, string>;
};

type Cookie = { readonly value: string; readonly path: string };

const maxRedirects = 10;

/** @param frontDoor without a slash at the end */
export function openBrowser(frontDoor: string): Browser {
  const jar = new Map<string, Cookie>();

  function keep(lines: readonly string[] = []): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice('path='.length) ?? '/';
      if (attributes.some((attribute) => attribute.startsWith('expires=Thu, 01 Jan 1970'))) jar.delete(name);
      else jar.set(name, { value, path });
    }
  }

  async function exchange(url: URL, form?: URLSearchParams): Promise<Shown> {
    const cookies = [...jar].filter(([, { path }]) => url.pathname.startsWith(path));
    const body = form?.toString();
    const request = send(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      headers: {
        accept: 'text/html',
        cookie: cookies.map(([name, { value }]) => `${name}=${value}`).join('; '),
        ...(body === undefined
          ? {}
          : {
              'content-type': 'application/x-www-form-urlencoded',
              origin: url.origin,
              'sec-fetch-site': 'same-origin',
            }),
      },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    keep(response.headers['set-cookie']);
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += chunk;
    return { url, status: response.statusCode ?? 0, headers: response.headers, body: text };
  }

  async function follow(shown: Shown, left = maxRedirects): Promise<Shown> {
    const { location } = shown.headers;
    if (location === undefined) return shown;
    const url = new URL(location, shown.url);
    if (url.origin !== new URL(frontDoor).origin) return { ...shown, url };
    assert(left > 0, 'it goes in circles');
    return follow(await exchange(url), left - 1);
  }

  return {
    open: async (url) => follow(await exchange(new URL(url, frontDoor))),
    async submit(page, fields, button) {
      const form = readForm(page, fields, button);
      return follow(await exchange(form.action, form.values));
    },
    get cookies() {
      return new Map([...jar].map(([name, { value }]) => [name, value]));
    },
  };
}

function readForm(page: Shown, fields: Record<string, string | readonly string[]>, text: string | undefined) {
  const [, head = '', inside = ''] = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(page.body) ?? [];
  assert(inside !== '', `there is no form: ${page.status} ${page.url} ${page.body.slice(0, 500)}`);
  const values = new URLSearchParams();
  const given = new Set(Object.keys(fields));
  for (const [, tag = ''] of inside.matchAll(/<input\b([^>]*)>/g)) {
    const [name, type] = [attribute(tag, 'name'), attribute(tag, 'type')];
    const isUnticked = (type === 'checkbox' || type === 'radio') && !/\schecked\b/.test(tag);
    if (name !== undefined && !isUnticked && (type === 'hidden' || !given.has(name))) {
      values.append(name, attribute(tag, 'value') ?? '');
    }
  }
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) values.append(name, each);
  const buttons = [...inside.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/g)];
  const pressed = buttons.find(([, , label = '']) => text === undefined || label.includes(text));
  assert(pressed, `there is no button "${text}": ${inside}`);
  const name = attribute(pressed[1] ?? '', 'name');
  if (name !== undefined) values.append(name, attribute(pressed[1] ?? '', 'value') ?? '');
  return { action: new URL(attribute(head, 'action') ?? '', page.url), values };
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value?.replace(/&(#(\d+)|quot|amp|lt|gt|#39);/g, (entity, _, code) => {
    if (code !== undefined) return String.fromCharCode(Number(code));
    return { '&quot;': '"', '&amp;': '&', '&lt;': '<', '&gt;': '>' }[entity as '&amp;'] ?? entity;
  });
}

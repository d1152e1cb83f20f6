import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { loopback } from '../ports.ts';
import type { Mailbox } from './mailbox.ts';
import { listPage, mailPage, mailPolicy, pagePolicy } from './pages.ts';

type Answer = {
  readonly status?: number;
  readonly type: string;
  readonly policy?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
};

const htmlType = 'text/html; charset=utf-8';
const notFound: Answer = { status: 404, type: 'text/plain; charset=utf-8', body: 'there is no such page\n' };
const maxConnections = 64;

/**
 * Shows what was caught: `/` to people, `/api/mails` and `/api/mails/{id}` to programs. Mails hold what lets one into an account, so only whoever
 * asks for this machine by its own name is answered: a page from elsewhere may have its name lead here. Resolves when it listens.
 */
export async function showMails(mailbox: Mailbox, port: number): Promise<() => Promise<void>> {
  const server = createServer({ maxHeaderSize: 16 * 1024 }, (request, response) => {
    answer(mailbox, request).then(
      (found) => send(response, found),
      () => send(response, { status: 500, type: 'text/plain', body: 'that went wrong\n' }),
    );
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, loopback, resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

async function answer(mailbox: Mailbox, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', `http://${loopback}`);
  if (pathname === '/livez') return { type: 'text/plain', body: 'ok\n' };
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ''))
    return { status: 421, type: 'text/plain', body: 'this is for 127.0.0.1 and localhost\n' };
  if (request.method !== 'GET') return { status: 405, type: 'text/plain', body: 'mails can only be read here\n' };
  const recipient = searchParams.get('to')?.trim() || undefined;
  if (pathname === '/')
    return { type: htmlType, policy: pagePolicy, body: listPage(mailbox.list(recipient), recipient) };
  if (pathname === '/api/mails') return asJson({ mails: mailbox.list(recipient) });
  const [, isApi, id = '', part] = /^\/(api\/)?mails\/([\w-]+)(?:\/(html|raw))?$/.exec(pathname) ?? [];
  return id === '' ? notFound : await showOne(mailbox, id, isApi === undefined ? part : 'json');
}

async function showOne(mailbox: Mailbox, id: string, part: string | undefined): Promise<Answer> {
  const mail = await mailbox.read(id);
  if (mail === undefined) return notFound;
  if (part === 'json') return asJson({ mail });
  if (part === 'html') return { type: htmlType, policy: mailPolicy, body: mail.html };
  if (part === undefined) return { type: htmlType, policy: pagePolicy, body: mailPage(mail) };
  const headers = { 'content-disposition': `attachment; filename="${id}.eml"` };
  return { type: 'message/rfc822', headers, body: mailbox.raw(id) ?? '' };
}

function asJson(value: unknown): Answer {
  return { type: 'application/json', body: JSON.stringify(value) };
}

function send(response: ServerResponse, { status = 200, type, policy, headers, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-security-policy': policy ?? "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    ...headers,
  });
  response.end(body);
}

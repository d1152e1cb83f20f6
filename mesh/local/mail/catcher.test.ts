import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { systemClock } from '#kit/clock.ts';
import { freePort } from '#kit/testing/ports.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { type Mailbox, maxMails, openMailbox } from './mailbox.ts';
import { catchMails } from './smtp.ts';
import { showMails } from './web.ts';

const folder = temporaryFolder();
const closings: (() => Promise<void>)[] = [];
let mailbox: Mailbox;
let [smtpPort, url] = [0, ''];
before(async () => {
  const pagePort = await freePort();
  smtpPort = await freePort();
  url = `http://127.0.0.1:${pagePort}`;
  mailbox = await openMailbox(folder, systemClock.nowMs);
  closings.push(await catchMails(mailbox, smtpPort), await showMails(mailbox, pagePort));
});
after(() => Promise.all(closings.map((close) => close())));

const read = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}${path}`, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
};

async function send(to: string, subject: string, html: string): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: smtpPort, ignoreTLS: true });
  await transport.sendMail({
    from: 'OXO <no-reply@oxo.example>',
    to,
    subject,
    text: 'go to https://oxo.example/x?a=1&b=2 now',
    html,
  });
  transport.close();
}

test('what is sent can be read, by people and by programs', async () => {
  await send('ada@example.org', 'Xin chào, Ada', '<p>Hello</p>');
  await send('bob@example.org', 'For Bob', '<p>Hello</p>');
  const list = await read('/');
  assert.match(list.text, /For Bob[\s\S]*Xin chào, Ada/);
  const { mails } = JSON.parse((await read('/api/mails?to=ada@example.org')).text) as {
    mails: { id: string; to: string[] }[];
  };
  assert.deepEqual(
    mails.map(({ to }) => to),
    [['ada@example.org']],
  );
  const [{ id = '' } = {}] = mails;
  const { mail } = JSON.parse((await read(`/api/mails/${id}`)).text) as { mail: { subject: string; text: string } };
  assert.deepEqual([mail.subject, mail.text.trim()], ['Xin chào, Ada', 'go to https://oxo.example/x?a=1&b=2 now']);
  const page = await read(`/mails/${id}`);
  assert.ok(page.text.includes('<a href="https://oxo.example/x?a=1&#38;b=2" rel="noreferrer noopener">'));
  assert.match((await read(`/mails/${id}/raw`)).text, /^X-Caught-To: ada@example\.org\r\n/);
});

test('a mail can do nothing, whatever stands in it', async () => {
  const evil = '"><script>alert(1)</script>';
  await send('eve@example.org', evil, `<script>parent.location='/'</script><img src="https://evil.example/x">${evil}`);
  const [{ id = '' } = {}] = mailbox.list('eve@example.org');
  const pages = [await read('/'), await read(`/?to=${encodeURIComponent(evil)}`), await read(`/mails/${id}`)];
  for (const page of pages) {
    assert.ok(!page.text.includes('<script>'));
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.doesNotMatch(page.headers.get('content-security-policy') ?? '', /script-src|unsafe-eval/);
  }
  assert.match(pages[2]?.text ?? '', /<iframe sandbox title="[^"]+" src="\/mails\/[\w-]+\/html">/);
  const html = await read(`/mails/${id}/html`);
  assert.match(html.text, /<script>/);
  const policy = html.headers.get('content-security-policy') ?? '';
  for (const directive of ["default-src 'none'", 'img-src data:', "form-action 'none'", 'sandbox'])
    assert.ok(policy.includes(directive));
  assert.ok(!policy.includes('allow-'));
  assert.equal(html.headers.get('x-content-type-options'), 'nosniff');
});

test('a page elsewhere whose name leads here reads nothing, and nothing but reading is there', async () => {
  const raw = await new Promise<string>((resolve, reject) => {
    import('node:http').then(({ get }) => {
      get(`${url}/api/mails`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(String(response.statusCode));
      }).once('error', reject);
    }, reject);
  });
  assert.equal(raw, '421');
  assert.equal((await fetch(`${url}/`, { method: 'POST' })).status, 405);
  for (const path of ['/mails/none', '/mails/../../etc/passwd', '/api/mails/0000000000000-00000000', '/favicon.ico'])
    assert.equal((await read(path)).status, 404, path);
});

test('a mailbox that is opened again has what it had, and keeps only so many', async () => {
  writeFileSync(join(folder, '0000000000001-00000000.eml.new'), 'half a mail');
  const again = await openMailbox(folder, systemClock.nowMs);
  assert.deepEqual(again.list(), mailbox.list());
  const other = temporaryFolder();
  let now = 1_000;
  const small = await openMailbox(other, () => ++now);
  for (let count = 0; count < maxMails + 3; count += 1)
    await small.keep(Buffer.from(`Subject: ${count}\r\n\r\nx`), ['a@example.org']);
  assert.equal(small.list().length, maxMails);
  assert.equal(readdirSync(other).length, maxMails);
  assert.equal(small.list().at(-1)?.subject, '3');
});

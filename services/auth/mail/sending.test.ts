import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata } from 'nice-grpc';
import { MailQueued } from '#gen/oxo/auth/v1/auth_events.ts';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { NotYet } from '#kit/events/consumers/handlers.ts';
import { userDeleted } from '#kit/events/consumers/user-deleted.ts';
import { deliver } from '#kit/testing/deliver.ts';
import { ERASURE, MAIL } from '../events/durables.ts';
import { mailQueued } from '../events.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import type { TestMail } from '../testing/mails.ts';
import { startTestSmtp, type TestSmtp } from '../testing/smtp.ts';
import { openSmtp } from './smtp.ts';

let server: TestSmtp;
let service: TestAuthService;
const SENDER = { name: 'OXO', address: 'no-reply@oxo.example' };
before(async () => {
  server = await startTestSmtp();
  service = await startAuthService({ smtp: openSmtp({ url: server.url, from: SENDER }) });
});
after(async () => {
  await service.close();
  await server.close();
});
beforeEach(() => {
  server.answer(0);
  server.received.length = 0;
});

const send = ({ id }: Pick<TestMail, 'id'>) => deliver(service.consumers, MAIL, mailQueued, { mailId: id });

let people = 0;
async function signUp(headers: Record<string, string> = {}): Promise<{ id: string; handle: string; mail: TestMail }> {
  const handle = `reader_${++people}`;
  const email = `${handle}@example.org`;
  const registration = {
    handle,
    email,
    password: 'a walk in the rain 17',
    displayName: 'Evil <b>Name</b> evil.example',
  };
  const { user } = await service.as().register(registration, { metadata: Metadata(headers) });
  const [mail] = await service.mails(email);
  return { id: user?.id ?? '', handle, mail: mail ?? assert.fail('no mail was asked for') };
}

const outcomes = async () =>
  (await service.metrics.render()).split('\n').filter((line) => line.startsWith('oxo_auth_mails_total'));
const countOf = async (outcome: string) =>
  (await outcomes())
    .filter((line) => line.includes(`outcome="${outcome}"`))
    .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);

test('a mail is sent once, as text and HTML, with a secret that stands nowhere else', async () => {
  const { handle, mail } = await signUp();
  await send(mail);
  await send(mail);
  const [received, ...others] = server.received;
  assert.deepEqual(others, []);
  assert.deepEqual(received?.recipients, [`${handle}@example.org`]);
  assert.deepEqual([received?.from?.name, received?.from?.address], [SENDER.name, SENDER.address]);
  assert.equal(received?.messageId, `<${mail.id}@oxo.example>`);
  const link = `http://oxo.test/verify?token=${mail.token}`;
  for (const body of [received?.text ?? '', received?.html ?? '']) {
    assert.ok(body.includes(link) && body.includes(`@${handle}`), body);
    assert.doesNotMatch(body, /evil/i, 'what whoever registers has typed goes to no address that may be another one’s');
  }
  const headers = new Map(received?.headers.map(({ key, value }) => [key, value ?? '']));
  assert.deepEqual([headers.get('auto-submitted'), headers.get('content-language')], ['auto-generated', 'en']);
  const stored = await service.db.query({ name: 'test-all', text: 'select row_to_json(m)::text from mails m' });
  assert.ok(!JSON.stringify([stored, service.log()]).includes(mail.token));
});

test('the event has nothing but the id, and no log line has the address', async () => {
  const { handle, mail } = await signUp();
  const events = (await service.events()).filter(({ subject }) => subject === 'mail.queued');
  assert.deepEqual(MailQueued.decode(events.at(-1)?.payload ?? Buffer.of()), { mailId: mail.id });
  server.answer(451);
  await assert.rejects(
    send(mail),
    (error: Error) => !JSON.stringify([error.message, error.cause]).includes('example.org'),
  );
  await send(mail).catch(() => undefined);
  assert.ok(!service.log().includes(`${handle}@`));
});

test('what the server does not take now is sent later, under the same name', async () => {
  const { mail } = await signUp();
  const failed = await countOf('FAILED');
  server.answer(451);
  for (const _ of [1, 2]) await assert.rejects(send(mail), /451/);
  assert.equal(await countOf('FAILED'), failed + 2);
  server.answer(0);
  await send(mail);
  assert.deepEqual(
    server.received.map(({ messageId }) => messageId),
    [`<${mail.id}@oxo.example>`],
  );
});

test('an address that takes no mail is not tried again', async () => {
  const { mail } = await signUp();
  server.answer(550);
  await send(mail);
  assert.equal(await countOf('REFUSED'), 1);
  server.answer(0);
  await send(mail);
  assert.deepEqual(server.received, []);
});

test('two processes that have the same mail send it once; who dies over it is followed by the other', async () => {
  const { mail } = await signUp();
  const results = await Promise.allSettled([send(mail), send(mail)]);
  for (const result of results) assert.ok(result.status === 'fulfilled' || result.reason instanceof NotYet);
  assert.equal(server.received.length, 1);

  const { mail: other } = await signUp();
  const lease = { name: 'test-lease', text: 'update mails set sending_until_ms = $2 where id = $1' };
  await service.db.query(lease, [other.id, service.clock.nowMs() + MINUTE_MS]);
  await assert.rejects(send(other), NotYet);
  service.clock.advance(MINUTE_MS);
  await send(other);
  assert.equal(server.received.length, 2);
});

test('the language is the profile’s, or else that of the request', async () => {
  const { mail } = await signUp({ 'accept-language': 'vi-VN,vi;q=0.9,en;q=0.5' });
  await send(mail);
  assert.match(server.received[0]?.subject ?? '', /^Xác nhận/);
});

test('a mail that is too late is not sent, and is forgotten with its address', async () => {
  const { handle, mail } = await signUp();
  service.clock.advance(3 * DAY_MS);
  await send(mail);
  assert.deepEqual(server.received, []);
  assert.equal(await countOf('EXPIRED'), 1);
  await service.background('clean-up of mails');
  assert.deepEqual(await service.mails(`${handle}@example.org`), []);
  await send(mail);
});

test('mails go with the account that is erased', async () => {
  const { id, handle, mail } = await signUp();
  await service.internal('user').disableAccount({ userId: id });
  const times = { deletedAt: new Date(0), eraseFrom: new Date(0) };
  await deliver(service.consumers, ERASURE, userDeleted, { userId: id, ...times });
  assert.deepEqual(await service.mails(`${handle}@example.org`), []);
  await send(mail);
  assert.deepEqual(server.received, []);
});

test('the last mail of an account is sent also when the account is erased before it could be, and its address is kept no longer', async () => {
  const { id, handle, mail } = await signUp({ 'accept-language': 'vi' });
  const address = `${handle}@example.org`;
  await service.as().verifyEmail({ token: mail.token });
  await service.internal('user').disableAccount({ userId: id, locale: 'vi' });
  const [last = assert.fail('no last mail')] = await service.mails(address);
  server.answer(451);
  await assert.rejects(send(last), /451/);
  const times = { deletedAt: new Date(0), eraseFrom: new Date(0) };
  const erase = () => deliver(service.consumers, ERASURE, userDeleted, { userId: id, ...times });
  await erase();
  await erase();
  const rest = { name: 'test-rest', text: 'select 1 from accounts where id = $1' };
  assert.deepEqual(await service.db.query(rest, [id]), []);
  await service.background('clean-up of mails');
  await assert.rejects(send(last), /451/);
  server.answer(0);
  for (const _ of [1, 2]) await send(last);
  assert.deepEqual(
    server.received.map(({ recipients, messageId }) => [recipients, messageId]),
    [[[address], `<${last.id}@oxo.example>`]],
  );
  assert.match(server.received[0]?.text ?? '', /tài khoản/i);
  await service.background('clean-up of mails');
  assert.deepEqual(await service.mails(address), []);
});

test('the last mail that was sent goes with the account; one that never can be sent is forgotten when its time is over', async () => {
  const times = { deletedAt: new Date(0), eraseFrom: new Date(0) };
  const left = async (isSent: boolean) => {
    const { id, handle, mail } = await signUp();
    await service.as().verifyEmail({ token: mail.token });
    await service.internal('user').disableAccount({ userId: id });
    const mails = () => service.mails(`${handle}@example.org`);
    if (isSent) await send((await mails())[0] ?? assert.fail('no last mail'));
    await deliver(service.consumers, ERASURE, userDeleted, { userId: id, ...times });
    return mails;
  };
  assert.deepEqual(await (await left(true))(), []);
  const unsent = await left(false);
  assert.equal((await unsent()).length, 1);
  service.clock.advance(3 * DAY_MS);
  await service.background('clean-up of mails');
  assert.deepEqual(await unsent(), []);
});

test('an address gets no flood of mails, whoever asks for them', async () => {
  const email = 'victim@example.org';
  for (let time = 0; time < 35; time += 1) {
    const registration = { handle: `flood_${time}`, email, password: 'a walk in the rain 17', displayName: '' };
    await service.as().register(registration);
  }
  assert.equal((await service.mails(email)).length, 30);
  assert.equal(await countOf('LIMITED'), 5);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { isThisMachine, mailConfig, mailSettings } from './mail-config.ts';

const read = (env: Record<string, string>) => mailConfig(z.object(mailSettings).parse(env));

test('without a server there is none; with one elsewhere it must be said from whom mails come', () => {
  assert.equal(read({}).smtpUrl, undefined);
  assert.match(read({ MAIL_SMTP_URL: 'smtp://127.0.0.1:2525' }).from.address, /@localhost/);
  assert.throws(() => read({ MAIL_SMTP_URL: 'smtps://user:secret@smtp.oxo.example' }), /MAIL_FROM(?!.*secret)/);
  const { from } = read({
    MAIL_SMTP_URL: 'smtps://smtp.oxo.example',
    MAIL_FROM: 'OXO Việt Nam <no-reply@oxo.example>',
  });
  assert.deepEqual(from, { name: 'OXO Việt Nam', address: 'no-reply@oxo.example' });
});

test('what is no sender or no server is refused', () => {
  const wrong = [
    'no-reply@oxo.example',
    'OXO',
    'OXO <nobody>',
    'OXO <a@oxo.example>\r\nBcc: b@oxo.example',
    '<a@oxo.example>',
  ];
  for (const MAIL_FROM of wrong) assert.throws(() => read({ MAIL_FROM }), MAIL_FROM);
  for (const MAIL_SMTP_URL of ['smtp.oxo.example', 'http://oxo.example']) assert.throws(() => read({ MAIL_SMTP_URL }));
});

test('only this machine is spoken to in the clear', () => {
  for (const here of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]']) assert.ok(isThisMachine(here), here);
  for (const elsewhere of ['127.0.0.1.oxo.example', 'localhost.oxo.example', '10.0.0.1', '[::2]', 'mail'])
    assert.ok(!isThisMachine(elsewhere), elsewhere);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES } from '../i18n/language.ts';
import { composeMail, type MailToCompose } from './compose.ts';
import { BOUNDS, hasSecret, type MailKind } from './kinds.ts';
import { MFA_CHANGES } from './texts/texts.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const mail: MailToCompose = {
  ...{ kind: 'VERIFY_EMAIL', language: 'en', handle: 'ada', createdAtMs: Date.UTC(2026, 10, 27, 16, 40) },
  ...{ params: { network: '192.0.2.1', userAgent: FIREFOX, app: 'Reader', change: 'TOTP_ADDED' } },
  ...{ token: 'the-token', publicUrl: 'https://oxo.example' },
};
const kinds = Object.keys(BOUNDS) as MailKind[];

test('every mail says in both languages, as text and as HTML, what it is about and where to go on', () => {
  const subjects = new Set<string>();
  for (const language of LANGUAGES) {
    for (const kind of kinds) {
      const { subject, text, html } = composeMail({ ...mail, kind, language });
      subjects.add(subject);
      assert.match(subject, /^[^\r\n]{10,70}$/);
      assert.ok(html.includes(`<html lang="${language}">`) && html.includes(subject.replaceAll("'", '&#39;')));
      for (const body of [text, html]) {
        assert.ok(body.includes('@ada'), `${kind} ${language}`);
        if (kind !== 'ACCOUNT_DELETED') assert.match(body, /https:\/\/oxo\.example\/\w+/, `${kind} ${language}`);
        assert.equal(body.includes('?token=the-token'), hasSecret(kind), `${kind} ${language}`);
        assert.doesNotMatch(body, /undefined|null|\[object|\$\{/);
      }
      // Nothing is fetched from anywhere when it is read.
      assert.doesNotMatch(html, /<(img|script|link|iframe|object|form)|url\(|@import/i);
    }
  }
  assert.equal(subjects.size, 2 * kinds.length);
});

test('notices say when, by what and from where', () => {
  const english = composeMail({ ...mail, kind: 'NEW_DEVICE' }).text;
  assert.match(english, /When: November 27, 2026 at 4:40\sPM UTC\nDevice: Firefox · Linux\nNetwork: 192\.0\.2\.1/);
  const vietnamese = composeMail({ ...mail, kind: 'NEW_DEVICE', language: 'vi' }).text;
  assert.match(vietnamese, /Thời gian: .*27 tháng 11.* 2026.*\nThiết bị: Firefox · Linux\nMạng: 192\.0\.2\.1/);
  const nothingKnown = composeMail({ ...mail, kind: 'NEW_DEVICE', params: { network: '', userAgent: '' } }).text;
  assert.doesNotMatch(nothingKnown, /Device|Network/);
  const texts = MFA_CHANGES.map((change) => composeMail({ ...mail, kind: 'MFA_CHANGED', params: { change } }).text);
  assert.equal(new Set(texts).size, MFA_CHANGES.length);
});

test('a mail about a new password tells what still works, and nothing where all has ended', () => {
  const changed = { ...mail, kind: 'PASSWORD_CHANGED' } as const;
  const params = { apiKeys: '2', apps: '1', emailKept: 'yes' };
  const { text } = composeMail({ ...changed, params });
  assert.match(text, /change of your email address .* was given up/);
  assert.match(text, /These still work as before: API keys: 2, connected apps: 1\./);
  assert.ok(text.includes('https://oxo.example/account'));
  assert.match(composeMail({ ...changed, params, language: 'vi' }).text, /khóa API: 2, ứng dụng đã kết nối: 1/);
  assert.doesNotMatch(composeMail(changed).text, /still work|given up/);
});

test('nothing that strangers have typed stands in a mail as it was', () => {
  const params = {
    app: 'Free <b>money</b> at https://evil.example/x',
    network: 'evil.example',
    userAgent: 'evil.example',
  };
  for (const kind of kinds) {
    const { text, html } = composeMail({ ...mail, kind, params });
    for (const body of [text, html]) assert.doesNotMatch(body, /evil\.example|https:\/\/evil|<b>/, kind);
  }
  assert.match(composeMail({ ...mail, kind: 'NEW_APP', params }).text, /“Free b money b at https evil example x”/);
});
